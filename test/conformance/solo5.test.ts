/** Unikernels of Solo5 for virtio: known by their notes, given what they declare, and ended as they say. */
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { type Bench, leftovers, makeBench, placeInNetwork, repository, start, until } from "./harness.ts";
import { makeNetworks } from "./networks.ts";

const guest = (name: string): string => `${repository}/build/guest/${name}.bin`;

function benchOf(t: ExecutionContext, name: string, ...args: string[]): Bench {
  const bench = makeBench([]);
  t.teardown(() => bench[Symbol.dispose]());
  copyFileSync(guest(name), `${bench.rootfs}/kernel`);
  bench.configure(({ process }) => Object.assign(process, { args: ["/kernel", ...args] }));
  return bench;
}

/** The path of an empty one of 1 MiB, mounted at /storage. */
function giveDisk(bench: Bench): string {
  const source = `${bench.folder}/disk.img`;
  writeFileSync(source, "");
  truncateSync(source, 1 << 20);
  const mounts = [{ destination: "/storage", source, type: "bind", options: ["bind", "rw"] }];
  bench.configure((config) => Object.assign(config, { mounts }));
  return source;
}

function refusal(bench: Bench): string {
  bench.call("create");
  const { code, log } = bench.call("start", bench.id);
  return code === 0 ? "it was started" : (log.at(-1)?.msg ?? "");
}

for (const [args, code, says] of [
  [["exit", "0"], 0, "solo5_exit(0) called"],
  [["exit", "7"], 7, "solo5_exit(7) called"],
  [["exit", "255"], 255, "solo5_exit(255) called"],
  [["abort"], 134, "solo5_abort() called"],
  [["fault"], 139, "Fatal trap"],
] as const) {
  test.serial(`"${args.join(" ")}" ends with ${code}`, (t) => {
    const bench = benchOf(t, "solo5", ...args);
    start(t, bench);
    t.is(bench.wait(), code);
    t.true(bench.output().includes(`command line: ${args.join(" ")}\n`));
    t.true(bench.output().includes(says));
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  });
}

test.serial(
  "an argument with white space stays one, and one that can't be told is refused by its number",
  (t) => {
    const bench = benchOf(t, "solo5", "exit", "0", "two words");
    start(t, bench);
    t.is(bench.wait(), 0);
    t.true(bench.output().includes('command line: exit 0 "two words"\n'));
    const quoted = benchOf(t, "solo5", 'say "x"');
    const { code, log } = quoted.call("create");
    t.not(code, 0);
    t.regex(`${log.at(-1)?.msg}`, /can't be told argument 1: .*the character "/);
    t.false(`${log.at(-1)?.msg}`.includes("say"));
  },
);

test.serial("it is ended by a signal", (t) => {
  const bench = benchOf(t, "solo5", "serve");
  start(t, bench);
  until(() => bench.output().includes("command line: serve"));
  t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
  t.is(bench.wait(), 143);
});

test.serial("it gets the cards and disks that it declares, with its address where it can be told", (t) => {
  const bench = benchOf(t, "solo5-devices", "exit", "3");
  const disk = giveDisk(bench);
  placeInNetwork(bench, makeNetworks(t, 2));
  start(t, bench);
  t.is(bench.wait(), 3);
  t.true(
    bench.output().includes("cards 1, disks 1\ncommand line: --ipv4=10.213.0.2/24 exit 3\n"),
    bench.output(),
  );
  t.deepEqual(readFileSync(disk), Buffer.alloc(1 << 20));
});

test.serial("an address that its arguments give is not told again", (t) => {
  const bench = benchOf(t, "solo5-devices", "--ipv4=10.0.0.9/8", "exit", "4");
  giveDisk(bench);
  placeInNetwork(bench, makeNetworks(t, 1));
  start(t, bench);
  t.is(bench.wait(), 4);
  t.true(bench.output().includes("command line: --ipv4=10.0.0.9/8 exit 4\n"), bench.output());
});

test.serial("one that declares more than there is does not start", (t) => {
  t.regex(
    refusal(benchOf(t, "solo5-devices")),
    /declares 1 network card \(service\), and the container has 0/,
  );
  const bench = benchOf(t, "solo5-devices");
  placeInNetwork(bench, makeNetworks(t, 1));
  t.regex(refusal(bench), /declares the disk "storage".*docker run -v FILE:\/storage/);
});

test.serial("a folder to be written is refused, since it has no file system", (t) => {
  const bench = benchOf(t, "solo5");
  bench.configure((config) =>
    Object.assign(config, {
      mounts: [{ destination: "/data", source: bench.folder, type: "bind", options: ["bind", "rw"] }],
    }),
  );
  t.regex(refusal(bench), /solo5 guest can't be given the folder \/data/);
});

for (const [target, name] of [
  [4, "muen"],
  [5, "xen"],
] as const) {
  test.serial(`one for ${name} is neither booted nor run as a program`, (t) => {
    const bench = benchOf(t, "solo5");
    const file = readFileSync(guest("solo5"));
    file.writeUInt32LE(target, file.indexOf("ABI1Solo5") + 12);
    writeFileSync(`${bench.rootfs}/kernel`, file);
    const { code, log } = bench.call("create");
    t.not(code, 0);
    t.regex(`${log.at(-1)?.msg}`, new RegExp(`solo5, but for its target ${name}.*-t virtio`));
  });
}
