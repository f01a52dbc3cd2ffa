/** Unikernels of Unikraft for QEMU: loaded by their program headers, told what they take, with their files in memory, and ended as they say. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { run } from "../network/netns.ts";
import {
  type Bench,
  leftovers,
  makeBench,
  placeInNetwork,
  repository,
  start,
  typeLine,
  unikrun,
  until,
} from "./harness.ts";
import { makeNetworks } from "./networks.ts";

const GUEST = `${repository}/build/guest/unikraft.bin`;

function benchOf(t: ExecutionContext, ...args: string[]): Bench {
  const bench = makeBench([]);
  t.teardown(() => bench[Symbol.dispose]());
  rmSync(`${bench.rootfs}/probe.bin`);
  copyFileSync(GUEST, `${bench.rootfs}/kernel`);
  bench.configure(({ process }) => Object.assign(process, { args: ["/kernel", ...args] }));
  return bench;
}

/** What it has printed when it has ended with that code. */
function outputOf(t: ExecutionContext, bench: Bench, code: number): string {
  start(t, bench);
  t.is(bench.wait(), code);
  return bench.output();
}

function refusal(bench: Bench): string {
  const created = bench.call("create");
  const { code, log } = created.code === 0 ? bench.call("start", bench.id) : created;
  return code === 0 ? "it was started" : (log.at(-1)?.msg ?? "");
}

for (const [args, code] of [
  [["return", "0"], 0],
  [["return", "7"], 7],
  [["silent"], 0],
  [["crash"], 134],
  [["late"], 134],
  [["fault"], 139],
] as const) {
  test.serial(`"${args.join(" ")}" ends with ${code}`, (t) => {
    const bench = benchOf(t, ...args);
    t.true(outputOf(t, bench, code).includes(`argument 1: ${args[0]}\n`));
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  });
}

test.serial("without random numbers it has not succeeded, and the log says what to do", (t) => {
  const bench = benchOf(t, "random");
  t.regex(outputOf(t, bench, 134), /^processor: rdrand/m);
  t.regex(readFileSync(`${bench.folder}/output.errors`, "utf8"), /needs .* RDRAND and RDSEED .* KVM/);
});

test.serial("arguments and environment arrive as they are", (t) => {
  const odd = [`two words`, `"quoted" and 'so'`, `back\\slash`, `\\"`, "--", "tab\tand\nline", "ü"];
  const bench = benchOf(t, "return", "3", ...odd);
  bench.configure(({ process }) => Object.assign(process, { env: ["A=1", "B=x y]", 'C="\\'] }));
  const output = outputOf(t, bench, 3);
  for (const [index, argument] of odd.entries())
    t.true(output.includes(`argument ${index + 3}: ${argument}\n`), output);
  for (const variable of ["A=1", "B=x y]", 'C="\\'])
    t.true(output.includes(`parameter env.vars=${variable}\n`), output);
});

test.serial("what it can't be told is refused by its place or name, and not shown", (t) => {
  t.regex(refusal(benchOf(t, "secret", "")), /can't be told argument 2: it is empty/);
  const many = benchOf(t, "return");
  many.configure(({ process }) => Object.assign(process, { env: ["A=secret", "B=2", "C=3", "D=4"] }));
  const why = refusal(many);
  t.regex(why, /can't be told 4 environment variables, since its kernel was built for 3.*of A, B, C, D/);
  t.false(why.includes("secret"));
});

test.serial("it is ended by a signal", (t) => {
  const bench = benchOf(t, "serve");
  start(t, bench);
  until(() => bench.output().includes("argument 1: serve"));
  t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
  t.is(bench.wait(), 143);
});

test.serial("it is told the addresses of its cards, names and its host name", (t) => {
  const bench = benchOf(t, "return");
  placeInNetwork(bench, makeNetworks(t, 2));
  writeFileSync(`${bench.folder}/resolv.conf`, "nameserver 10.213.0.1\nsearch example.org\n");
  bench.configure((config) =>
    Object.assign(config, {
      mounts: [
        {
          destination: "/etc/resolv.conf",
          source: `${bench.folder}/resolv.conf`,
          type: "bind",
          options: ["bind"],
        },
      ],
    }),
  );
  const output = outputOf(t, bench, 0);
  t.true(output.includes("parameter netdev.ip=10.213.0.2/24::10.213.0.1::tested:example.org\n"), output);
  t.true(output.includes("parameter netdev.ip=10.213.1.2/24\n"), output);
});

test.serial("its default gateway is its first card's, whichever network has it", (t) => {
  const bench = benchOf(t, "return");
  const netns = makeNetworks(t, 2);
  run(`ip -n ${netns.replace("/run/netns/", "")} route add default via 10.213.1.1`);
  placeInNetwork(bench, netns);
  const [first, second] = outputOf(t, bench, 0).match(/^parameter netdev\.ip=.*$/gm) ?? [];
  t.is(first, "parameter netdev.ip=10.213.1.2/24:10.213.1.1:::tested");
  t.is(second, "parameter netdev.ip=10.213.0.2/24");
});

test.serial("it has the image's files in its memory, and what is mounted to be read", (t) => {
  const bench = benchOf(t, "return");
  mkdirSync(`${bench.rootfs}/etc`);
  mkdirSync(`${bench.rootfs}/data`);
  mkdirSync(`${bench.folder}/mounted`);
  writeFileSync(`${bench.rootfs}/etc/motd`, "hello\n", { mode: 0o640 });
  writeFileSync(`${bench.rootfs}/data/hidden`, "hidden");
  symlinkSync("../etc/motd", `${bench.rootfs}/data/link`);
  symlinkSync("etc/motd", `${bench.rootfs}/link`);
  writeFileSync(`${bench.rootfs}/unikrun.json`, "{}");
  writeFileSync(`${bench.folder}/mounted/seen`, "seen");
  const mount = (destination: string, source: string) => ({
    destination,
    source,
    type: "bind",
    options: ["bind", "ro"],
  });
  bench.configure((config) =>
    Object.assign(config, {
      mounts: [
        mount("/data", `${bench.folder}/mounted`),
        mount("/etc/extra", `${bench.folder}/mounted/seen`),
        { destination: "/scratch", source: "tmpfs", type: "tmpfs", options: ["mode=1700"] },
      ],
    }),
  );
  const output = outputOf(t, bench, 0);
  t.true(output.includes("parameter vfs.fstab=initrd0:/:extract::ramfs=2:\n"), output);
  t.deepEqual(
    output.split("\n").filter((line) => line.startsWith("file ")),
    [
      "file data 40755 0: ",
      "file data/seen 100644 4: seen",
      "file etc 40755 0: ",
      "file etc/extra 100644 4: seen",
      "file etc/motd 100640 6: hello",
      "file link 120777 8: etc/motd",
      "file scratch 41700 0: ",
    ],
  );
  t.true(output.includes("end of files\n"));
});

test.serial("a large image's files are kept for the next start, and too large ones are refused", (t) => {
  const bench = benchOf(t, "return");
  writeFileSync(`${bench.rootfs}/large`, Buffer.alloc(9 << 20, "x"));
  t.regex(outputOf(t, bench, 0), /file large 100644 9437184: x{40}\n/);
  const larger = benchOf(t, "return");
  writeFileSync(`${larger.rootfs}/larger`, Buffer.alloc(70 << 20, "x"));
  t.regex(refusal(larger), /files in its memory, which take 71 MiB, .* it has 64 MiB: give it/);
});

test.serial("a checkpoint has its files, too, as they were", (t) => {
  const bench = benchOf(t, "hear", "5");
  writeFileSync(`${bench.rootfs}/note`, "before");
  start(t, bench);
  until(() => bench.output().includes("end of files"));
  const image = `${bench.folder}/image`;
  t.is(bench.call("checkpoint", "--image-path", image, bench.id).code, 0);
  t.is(bench.wait(), 137);
  t.is(bench.call("delete", bench.id).code, 0);
  writeFileSync(`${bench.rootfs}/note`, "after");
  const output = `${bench.folder}/restored`;
  const pidFile = `${bench.folder}/pid`;
  const { exitCode } = Bun.spawnSync(
    [
      unikrun,
      ...["--root", bench.root, "restore", "--detach", "--image-path", image],
      ...["--bundle", bench.bundle, "--pid-file", pidFile, bench.id],
    ],
    { stdout: Bun.file(output), stderr: Bun.file(`${output}.errors`), stdin: "ignore" },
  );
  t.is(exitCode, 0, readFileSync(`${output}.errors`, "utf8"));
  typeLine(bench, "x");
  t.is(bench.wait(), 5);
  t.true(readFileSync(output, "utf8").includes("file note 100644 6: before\n"));
});

test.serial("what is to be written is refused, as it would not stay", (t) => {
  const bench = benchOf(t, "return");
  bench.configure((config) =>
    Object.assign(config, {
      mounts: [{ destination: "/data", source: bench.folder, type: "bind", options: ["bind", "rw"] }],
    }),
  );
  t.regex(refusal(bench), /nothing that it writes to \/data would stay: mount it read-only/);
});

test.serial("a kernel without files gets none, and no folder that somebody mounts", (t) => {
  const bench = benchOf(t, "return");
  const file = readFileSync(GUEST);
  file.write("Z", file.indexOf("Automount table"));
  writeFileSync(`${bench.rootfs}/kernel`, file);
  t.false(outputOf(t, bench, 0).includes("fstab"));
  const mounted = benchOf(t, "return");
  writeFileSync(`${mounted.rootfs}/kernel`, file);
  mounted.configure((config) =>
    Object.assign(config, {
      mounts: [{ destination: "/data", source: mounted.folder, type: "bind", options: ["bind", "ro"] }],
    }),
  );
  t.regex(refusal(mounted), /takes no files from an initrd .*can't be given \/data/);
});

test.serial("one without a multiboot header is refused with what to build it for", (t) => {
  const bench = benchOf(t, "return");
  const file = readFileSync(GUEST);
  file.writeUInt32LE(0, file.indexOf(Buffer.from([0x02, 0xb0, 0xad, 0x1b])));
  // As those for other monitors: a 64-bit processor's.
  file.writeUInt16LE(62, 18);
  writeFileSync(`${bench.rootfs}/kernel`, file);
  t.regex(refusal(bench), /unikraft, but it has no multiboot header.*qemu\/x86_64/);
});
