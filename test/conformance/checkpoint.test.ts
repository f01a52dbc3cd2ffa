/** checkpoint and restore by hand, and what may go wrong. */
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import test, { type ExecutionContext } from "ava";
import { openText } from "../../runtime/disk/read-only.ts";
import { type Bench, leftovers, makeBench, typeLine, unikrun, until } from "./harness.ts";

/** A guest that prints what it hears. */
function started(t: ExecutionContext, { program = ["cat"], prepare = (_: Bench) => {} } = {}) {
  const bench = makeBench(program);
  t.teardown(() => bench[Symbol.dispose]());
  prepare(bench);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  until(() => bench.output().includes("main()"));
  return { ...bench, image: `${bench.folder}/image`, [Symbol.dispose]: () => bench[Symbol.dispose]() };
}

/** Saves the guest to bench.image, and takes its container away. */
function putAway(t: ExecutionContext, bench: ReturnType<typeof started>): void {
  t.is(bench.call("checkpoint", "--image-path", bench.image, bench.id).code, 0);
  t.is(bench.wait(), 137);
  t.is(bench.call("delete", bench.id).code, 0);
}

/** A restore that fails with such words, and leaves nothing. */
function refused(t: ExecutionContext, bench: ReturnType<typeof started>, words: RegExp): void {
  const outcome = restore(bench, bench.image);
  t.is(outcome.code, 1);
  t.regex(lastWords(outcome), words);
  t.deepEqual(leftovers(bench), []);
  t.false(existsSync(`${bench.root}/${bench.id}`));
}

const status = (bench: Bench) => JSON.parse(bench.call("state", bench.id).stdout).status;
const lastWords = (outcome: ReturnType<Bench["call"]>) => outcome.log.at(-1)?.msg ?? "";
const restore = (bench: Bench, image: string) =>
  bench.call(
    "restore",
    "--detach",
    "--image-path",
    image,
    "--bundle",
    bench.bundle,
    "--pid-file",
    `${bench.folder}/pid`,
    bench.id,
  );

/** Types a line, again until it comes back: who is late finds the console left, a second after the end of what is typed. */
function echo(bench: Bench, line: string): string {
  let shown = "";
  until(() => {
    shown = typeLine(bench, line);
    return shown.includes(line);
  });
  return shown;
}

test("a saved guest ends with 137, is deleted, and goes on in a new container", (t) => {
  const bench = started(t);
  t.is(bench.call("checkpoint", "--image-path", bench.image, bench.id).code, 0);
  t.is(bench.wait(), 137);
  t.is(status(bench), "stopped");
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
  const restored = restore(bench, bench.image);
  t.is(restored.code, 0, restored.stderr);
  t.is(status(bench), "running");
  t.regex(bench.call("trace", bench.id).stdout, /VMM +loaded the state that the guest goes on from$/m);
  t.regex(echo(bench, "still here"), /^still here\r?$/m);
  typeLine(bench, "quit");
  t.is(bench.wait(), 0, "its end is still understood");
});

test("--leave-running leaves it running, and a paused one stays paused", (t) => {
  const bench = started(t);
  const save = (folder: string) =>
    bench.call("checkpoint", "--leave-running", "--image-path", folder, bench.id).code;
  t.is(save(bench.image), 0);
  t.is(status(bench), "running");
  t.regex(echo(bench, "after one"), /^after one\r?$/m);
  t.is(bench.call("pause", bench.id).code, 0);
  t.is(save(`${bench.image}-2`), 0);
  t.is(status(bench), "paused");
  t.is(bench.call("resume", bench.id).code, 0);
  t.regex(echo(bench, "after two"), /^after two\r?$/m);
  t.regex(
    lastWords(bench.call("checkpoint", "--image-path", bench.image, bench.id)),
    /holds a checkpoint already/,
  );
  t.regex(lastWords(bench.call("checkpoint", "--pre-dump", bench.id)), /leave --pre-dump out/);
});

const startSaving = (bench: Bench, image: string): Bun.Subprocess =>
  Bun.spawn([
    unikrun,
    "--root",
    bench.root,
    "checkpoint",
    "--leave-running",
    "--image-path",
    image,
    bench.id,
  ]);

test("a checkpoint that is killed leaves the guest running, and no checkpoint", async (t) => {
  const bench = started(t);
  for (let round = 0; round < 5; round++) {
    const image = `${bench.image}-${round}`;
    const saving = startSaving(bench, image);
    await Bun.sleep(8 + 6 * round);
    saving.kill("SIGKILL");
    await saving.exited;
    t.is(status(bench), "running");
    t.regex(echo(bench, `round ${round}`), new RegExp(`^round ${round}\\r?$`, "m"), `round ${round}`);
  }
});

test("a paused guest whose checkpoint is killed is still paused, and can be saved and resumed", async (t) => {
  const bench = started(t);
  t.is(bench.call("pause", bench.id).code, 0);
  const image = `${bench.image}-killed`;
  const saving = startSaving(bench, image);
  until(() => existsSync(`${image}/unikrun-memory`));
  saving.kill("SIGKILL");
  await saving.exited;
  t.is(status(bench), "paused");
  t.is(bench.call("checkpoint", "--leave-running", "--image-path", bench.image, bench.id).code, 0);
  t.is(status(bench), "paused");
  t.is(bench.call("resume", bench.id).code, 0);
  t.is(status(bench), "running");
  t.regex(echo(bench, "goes on"), /^goes on\r?$/m);
});

test("a checkpoint that has its accelerator beside the machine is taken", (t) => {
  const bench = started(t);
  putAway(t, bench);
  const file = `${bench.image}/unikrun-checkpoint.json`;
  const { machine, ...rest } = JSON.parse(readFileSync(file, "utf8"));
  const { accelerator, ...others } = machine;
  t.is(accelerator, "tcg");
  writeFileSync(file, JSON.stringify({ ...rest, machine: others, accelerator }));
  const restored = restore(bench, bench.image);
  t.is(restored.code, 0, restored.stderr);
  t.regex(echo(bench, "still here"), /^still here\r?$/m);
});

test("what is no whole checkpoint of this guest is refused in a sentence, and leaves nothing", (t) => {
  const bench = started(t);
  putAway(t, bench);
  const file = `${bench.image}/unikrun-checkpoint.json`;
  const good = readFileSync(file, "utf8");
  const change = (from: string | RegExp, to: string) => writeFileSync(file, good.replace(from, to));
  change(/"vmm":"[^"]+"/, '"vmm":"1.2.3"');
  refused(t, bench, /QEMU 1\.2\.3 made the checkpoint in \S+, and this host has QEMU \d/);
  change('"family":"rumprun"', '"family":"other"');
  refused(t, bench, /is of a guest of the family other, and this is one of rumprun/);
  change('"nics":[]', '"nics":[{"mac":"02:00:00:00:00:01","mtu":1500,"addresses":[],"gateways":[]}]');
  refused(t, bench, /had 1 network cards, and its network namespace has 0/);
  change('"memoryMiB":', '"memoryMiB":"x","y":');
  refused(t, bench, /memoryMiB must be a whole number/);
  change('"nics":[]', '"order":"x","nics":[]');
  refused(t, bench, /machine\.order must be an array/);
  change('"nics":[]', '"order":["nic"],"nics":[]');
  refused(t, bench, /has 0 cards and \d disks, which no machine has, or in no such order/);
  writeFileSync(file, good);
  bench.configure(({ linux }) => {
    linux.resources = { memory: { limit: 48 << 20 } };
  });
  refused(t, bench, /memory limit of 48 MiB leaves 8 MiB to the guest.* and it needs 64 MiB/);
  bench.configure(({ linux }) => {
    linux.resources = {};
  });
  change('"accelerator":"tcg"', '"accelerator":"kvm"');
  if (!Bun.spawnSync(["sh", "-c", ": <>/dev/kvm"]).success) refused(t, bench, /was made under KVM, and here/);
  writeFileSync(file, "{");
  refused(t, bench, /can't be read/);
  writeFileSync(file, good);
  const memory = `${bench.image}/unikrun-memory`;
  const whole = readFileSync(memory);
  writeFileSync(memory, Buffer.concat([whole.subarray(0, 1000), Buffer.alloc(whole.length - 1000)]));
  refused(t, bench, /QEMU does not take the state|can't be restored/);
  truncateSync(memory, 1000);
  refused(t, bench, /is damaged: unikrun-memory \(it was cut\)/);
  for (const name of readdirSync(bench.image)) rmSync(`${bench.image}/${name}`);
  refused(t, bench, /holds no checkpoint of a unikernel/);
});

test("a checkpoint of somebody else's brings no file of the host to its guest, and no restore waits for one", (t) => {
  const bench = started(t);
  putAway(t, bench);
  const secret = `${bench.folder}/secret`;
  writeFileSync(secret, Buffer.alloc(1 << 20, "secret"));
  const file = `${bench.image}/unikrun-checkpoint.json`;
  const good = readFileSync(file, "utf8");
  const withDisk = (kind: string, size: number, more = {}) => {
    const document = JSON.parse(good);
    document.machine.disks = [{ kind, readOnly: true, format: "raw", isDevice: false, ...more }];
    document.sizes.disks = [size];
    document.lent = [""];
    writeFileSync(file, JSON.stringify(document));
  };
  const disk = `${bench.image}/unikrun-disk-0`;
  withDisk("host", 0, { source: secret, mountpoint: "/x" });
  refused(t, bench, /had a disk of the host, read-only, at \/x, and there is none now/);
  withDisk("tree", 1 << 20);
  symlinkSync(secret, disk);
  refused(t, bench, /is damaged: unikrun-disk-0 /);
  rmSync(disk);
  withDisk("tree", 0);
  t.true(Bun.spawnSync(["mkfifo", disk]).success);
  refused(t, bench, /is damaged: unikrun-disk-0 \(it is no regular file\)/);
  withDisk("volume", 0, { mountpoint: "/data" });
  rmSync(disk);
  writeFileSync(disk, "");
  refused(t, bench, /had a volume for writing at \/data, and there is none now/);
  writeFileSync(file, Buffer.concat([Buffer.from(good), Buffer.alloc(2 << 20, " ")]));
  refused(t, bench, /unikrun-checkpoint\.json is longer than any/);
});

test("a disk of the host that the guest reads has to be as it was", (t) => {
  const bench = started(t, {
    prepare({ folder, configure }) {
      using image = openText("hello", "of the host");
      writeFileSync(`${folder}/disk`, readFileSync(`/proc/self/fd/${image.fd}`));
      const mount = { destination: "/x", source: `${folder}/disk`, type: "bind", options: ["bind", "ro"] };
      configure((config) => Object.assign(config, { mounts: [mount] }));
    },
  });
  putAway(t, bench);
  t.deepEqual(readdirSync(bench.image).sort(), ["unikrun-checkpoint.json", "unikrun-memory"]);
  const restored = restore(bench, bench.image);
  t.is(restored.code, 0, restored.stderr);
  t.regex(echo(bench, "still here"), /^still here\r?$/m);
  t.is(bench.call("delete", "--force", bench.id).code, 0);
  writeFileSync(`${bench.folder}/disk`, readFileSync(`${bench.folder}/disk`));
  refused(t, bench, /the disk \S+ has changed since the checkpoint, or is another one/);
});

test("a guest that says that it halts, and goes on, can be saved meanwhile, and its end is still understood", (t) => {
  const bench = started(t, { program: ["fake"] });
  until(() => /PANIC[\s\S]*returned 0[\s\S]*halted\n$/.test(bench.output()));
  putAway(t, bench);
  t.notRegex(bench.output(), /still here/, "it was saved at once");
  t.true(JSON.parse(readFileSync(`${bench.image}/unikrun-checkpoint.json`, "utf8")).phase.halting);
  t.is(restore(bench, bench.image).code, 0);
  t.is(bench.wait(), 9);
});

test("a checkpoint for which there is no room leaves the guest running, and nothing behind", (t) => {
  const bench = started(t);
  const limited = 'trap "" XFSZ; ulimit -f 100; exec "$@"';
  const saving = Bun.spawnSync(
    [
      "sh",
      "-c",
      limited,
      "-",
      unikrun,
      "--root",
      bench.root,
      "checkpoint",
      "--image-path",
      bench.image,
      bench.id,
    ],
    { stderr: "pipe" },
  );
  t.is(saving.exitCode, 1);
  t.regex(saving.stderr.toString(), /can't be saved to \S+ \(.*File too large.*\): it is as it was before/);
  t.deepEqual(readdirSync(bench.image), []);
  t.regex(echo(bench, "still here"), /^still here\r?$/m);
  putAway(t, bench);
});

test("a guest that writes its memory all the time is saved in one go", (t) => {
  const MIB = 400;
  const bench = started(t, {
    program: ["dirty", String(MIB)],
    prepare: ({ configure }) =>
      configure((config) => Object.assign(config, { annotations: { "org.unikrun.memory": "512" } })),
  });
  until(() => bench.output().includes("written"));
  // It would be asked for its memory again and again, without end: files of three times as much are enough.
  const limited = `trap "" XFSZ; ulimit -f ${3 * MIB * 2048}; exec "$@"`;
  const args = ["checkpoint", "--leave-running", "--image-path", bench.image, bench.id];
  const saving = Bun.spawnSync(["sh", "-c", limited, "-", unikrun, "--root", bench.root, ...args]);
  t.is(saving.exitCode, 0, saving.stderr.toString());
  t.is(status(bench), "running");
});

test("restore refuses what has no meaning for a machine", (t) => {
  const bench = started(t);
  putAway(t, bench);
  const lazy = ["restore", "--lazy-pages", "--image-path", bench.image, "--bundle", bench.bundle, bench.id];
  t.regex(lastWords(bench.call(...lazy)), /leave --lazy-pages out/);
  t.deepEqual(leftovers(bench), []);
});
