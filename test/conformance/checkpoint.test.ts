/** checkpoint and restore by hand, and what may go wrong. */
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { type Bench, leftovers, makeBench, unikrun } from "./harness.ts";

/** A guest that prints what it hears. */
function started(t: ExecutionContext): Bench & { image: string } {
  const bench = makeBench(["cat"]);
  t.teardown(() => bench[Symbol.dispose]());
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  const deadline = Date.now() + 20_000;
  while (!bench.output().includes("main()") && Date.now() < deadline) Bun.sleepSync(20);
  return { ...bench, image: `${bench.folder}/image`, [Symbol.dispose]: () => bench[Symbol.dispose]() };
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

/** Types a line on the guest's console, and returns what comes back. */
const type = (bench: Bench, line: string) =>
  Bun.spawnSync([unikrun, "--root", bench.root, "exec", bench.id, "unikrun", "console"], {
    stdin: Buffer.from(`${line}\n`),
  }).stdout.toString();

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
  t.regex(type(bench, "still here"), /^still here\r?$/m);
  type(bench, "quit");
  t.is(bench.wait(), 0, "its end is still understood");
});

test("--leave-running leaves it running, and a paused one stays paused", (t) => {
  const bench = started(t);
  const save = (folder: string) =>
    bench.call("checkpoint", "--leave-running", "--image-path", folder, bench.id).code;
  t.is(save(bench.image), 0);
  t.is(status(bench), "running");
  t.regex(type(bench, "after one"), /^after one\r?$/m);
  t.is(bench.call("pause", bench.id).code, 0);
  t.is(save(`${bench.image}-2`), 0);
  t.is(status(bench), "paused");
  t.is(bench.call("resume", bench.id).code, 0);
  t.regex(type(bench, "after two"), /^after two\r?$/m);
  t.regex(
    lastWords(bench.call("checkpoint", "--image-path", bench.image, bench.id)),
    /holds a checkpoint already/,
  );
  t.regex(lastWords(bench.call("checkpoint", "--pre-dump", bench.id)), /leave --pre-dump out/);
});

test("a checkpoint that is killed leaves the guest running, and no checkpoint", async (t) => {
  const bench = started(t);
  for (let round = 0; round < 5; round++) {
    const image = `${bench.image}-${round}`;
    const saving = Bun.spawn([
      unikrun,
      "--root",
      bench.root,
      "checkpoint",
      "--leave-running",
      "--image-path",
      image,
      bench.id,
    ]);
    await Bun.sleep(8 + 6 * round);
    saving.kill("SIGKILL");
    await saving.exited;
    t.is(status(bench), "running");
    t.regex(type(bench, `round ${round}`), new RegExp(`^round ${round}\\r?$`, "m"), `round ${round}`);
  }
});

test("what is no whole checkpoint of this guest is refused in a sentence, and leaves nothing", (t) => {
  const bench = started(t);
  t.is(bench.call("checkpoint", "--image-path", bench.image, bench.id).code, 0);
  t.is(bench.wait(), 137);
  t.is(bench.call("delete", bench.id).code, 0);
  const refused = (words: RegExp) => {
    const outcome = restore(bench, bench.image);
    t.is(outcome.code, 1);
    t.regex(lastWords(outcome), words);
    t.deepEqual(leftovers(bench), []);
    t.false(existsSync(`${bench.root}/${bench.id}`));
  };
  const file = `${bench.image}/unikrun-checkpoint.json`;
  const good = readFileSync(file, "utf8");
  const change = (from: string | RegExp, to: string) => writeFileSync(file, good.replace(from, to));
  change(/"vmm":"[^"]+"/, '"vmm":"1.2.3"');
  refused(/QEMU 1\.2\.3 made the checkpoint in \S+, and this host has QEMU \d/);
  change('"family":"rumprun"', '"family":"other"');
  refused(/is of a guest of the family other, and this is one of rumprun/);
  change('"nics":[]', '"nics":[{"mac":"02:00:00:00:00:01","mtu":1500,"addresses":[],"gateways":[]}]');
  refused(/had 1 network cards, and its network namespace has 0/);
  change('"memoryMiB":', '"memoryMiB":"x","y":');
  refused(/memoryMiB must be a whole number/);
  writeFileSync(file, good);
  bench.configure(({ linux }) => {
    linux.resources = { memory: { limit: 48 << 20 } };
  });
  refused(/memory limit of 48 MiB leaves 8 MiB to the guest.* and it needs 64 MiB/);
  bench.configure(({ linux }) => {
    linux.resources = {};
  });
  writeFileSync(file, "{");
  refused(/can't be read/);
  writeFileSync(file, good);
  const memory = `${bench.image}/unikrun-memory`;
  const whole = readFileSync(memory);
  writeFileSync(memory, Buffer.concat([whole.subarray(0, 1000), Buffer.alloc(whole.length - 1000)]));
  refused(/QEMU does not take the state|can't be restored/);
  truncateSync(memory, 1000);
  refused(/is damaged: \S+unikrun-memory is not there or was cut/);
  for (const name of readdirSync(bench.image)) rmSync(`${bench.image}/${name}`);
  refused(/holds no checkpoint of a unikernel/);
});
