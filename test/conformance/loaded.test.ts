/** Guests that QEMU loads itself, Linux, OSv and Hermit: what they are given, and how they end. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { run } from "../network/netns.ts";
import { type Bench, leftovers, makeBench, placeInNetwork, repository, start, until } from "./harness.ts";
import { makeNetworks } from "./networks.ts";

const guest = (name: string): string => `${repository}/build/guest/${name}.bin`;

const KERNELS = {
  bzimage: () => readFileSync(guest("bzimage")),
  pvh: () => readFileSync(guest("pvh")),
  osv: () => readFileSync(guest("osv")),
  hermit: () => hermitApplication(),
} as const;

/** As little of an application as its loader is known by. */
function hermitApplication(): Buffer {
  const file = Buffer.alloc(256);
  file.write("\x7fELF\x02\x01\x01\xff", 0, "latin1");
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(62, 18);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(4, 64);
  file.writeBigUInt64LE(128n, 72);
  file.writeBigUInt64LE(24n, 96);
  for (const [at, value] of [7, 1, 0x5a00].entries()) file.writeUInt32LE(value, 128 + 4 * at);
  file.write("HERMIT\0\0\x03", 140, "latin1");
  return file;
}

function benchOf(t: ExecutionContext, kernel: keyof typeof KERNELS, ...args: string[]): Bench {
  const bench = makeBench([]);
  t.teardown(() => bench[Symbol.dispose]());
  writeFileSync(`${bench.rootfs}/kernel`, KERNELS[kernel]());
  if (kernel === "hermit") copyFileSync(guest("multiboot"), `${bench.rootfs}/hermit-loader`);
  bench.configure(({ process }) => Object.assign(process, { args: ["/kernel", ...args], env: [] }));
  return bench;
}

function refusal(bench: Bench): string {
  const { code, log } = bench.call("create");
  return code === 0 ? "it was created" : (log.at(-1)?.msg ?? "");
}

const PANIC = "do=panic:Attempted_to_kill_init!_exitcode=0x";

for (const [kernel, args, code] of [
  ["bzimage", ["do=off"], 0],
  ["bzimage", [`${PANIC}00000000`], 0],
  ["bzimage", [`${PANIC}00000700`], 7],
  ["bzimage", [`${PANIC}0000ff00`], 255],
  ["bzimage", [`${PANIC}0000000b`], 139],
  ["bzimage", [`${PANIC}00000086`], 134],
  ["bzimage", ["do=panic:Fatal_exception"], 134],
  ["bzimage", ["do=panic:System_is_deadlocked_on_memory"], 137],
  ["bzimage", ["do=panic:VFS:_Unable_to_mount_root_fs_on_unknown-block(0,0)"], 126],
  ["bzimage", ["do=halt"], 0],
  ["bzimage", ["do=reboot"], 0],
  ["bzimage", ["do=reset"], 139],
  ["bzimage", ["do=port:9"], 9],
  ["pvh", ["do=off"], 0],
  ["pvh", [`${PANIC}00000700`], 7],
  ["osv", ["do=returned:7"], 7],
  ["osv", ["do=abort"], 134],
  ["osv", ["do=off"], 0],
  ["hermit", ["do=status:0"], 0],
  ["hermit", ["do=status:7"], 7],
  ["hermit", ["do=loader"], 134],
] as const) {
  test.serial(`${kernel}: "${args.join(" ")}" ends with ${code}`, (t) => {
    const bench = benchOf(t, kernel, ...args);
    start(t, bench);
    t.is(bench.wait(), code, bench.output());
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  });
}

/** The guest's lines by their first words. */
function told(bench: Bench): { by: string | undefined; line: string | undefined; all: string } {
  const all = bench.output();
  return { by: /^booted by (.*)$/m.exec(all)?.[1], line: /^command line: (.*)$/m.exec(all)?.[1], all };
}

test.serial("a Linux kernel gets an initrd, its arguments, its environment and its host name", (t) => {
  for (const [kernel, by] of [
    ["bzimage", "Linux's protocol"],
    ["pvh", "PVH"],
  ] as const) {
    const bench = benchOf(t, kernel, "ro", "--", "two words", "x=y", "");
    writeFileSync(`${bench.rootfs}/initrd.img`, "070701 or so");
    bench.configure(({ process }) => Object.assign(process, { env: ["A=1", "B=b c", "A=2"] }));
    start(t, bench);
    t.is(bench.wait(), 0);
    t.deepEqual(told(bench).by, by);
    t.is(
      told(bench).line,
      'console=ttyS0 panic=-1 reboot=t quiet hostname=tested ro A=2 "B=b c" -- "two words" x=y ""',
    );
    t.regex(told(bench).all, /^file: 12 bytes: 070701$/m);
    t.regex(told(bench).all, /^ACPI$/m);
  }
});

test.serial("a Linux guest is told of its cards and disks in words that it can look for", (t) => {
  const bench = benchOf(t, "bzimage", "run");
  mkdirSync(`${bench.rootfs}/my data`);
  writeFileSync(`${bench.rootfs}/my data/file`, "");
  const volume = `${bench.folder}/volume`;
  mkdirSync(volume);
  const netns = makeNetworks(t, 2);
  const name = netns.replace("/run/netns/", "");
  for (const route of ["default via 10.213.1.1", "10.9.0.0/16 via 10.213.0.1", "10.8.0.0/16 dev eth1"])
    run(`ip -n ${name} route add ${route}`);
  placeInNetwork(bench, netns);
  bench.configure((config) =>
    Object.assign(config, {
      mounts: [{ destination: "/v", source: volume, type: "bind", options: ["bind", "rw"] }],
    }),
  );
  start(t, bench);
  t.is(bench.wait(), 0);
  const words = told(bench).line?.split(" ");
  t.deepEqual(words?.slice(4), [
    "ip=10.213.0.2:::255.255.255.0:tested:eth0:off",
    "hostname=tested",
    "unikrun.eth0=mac=02:42:0a:d5:00:02,mtu=1500,ip=10.213.0.2/24,route=10.9.0.0/16@10.213.0.1",
    "unikrun.eth1=mac=02:42:0a:d5:01:02,mtu=1500,ip=10.213.1.2/24,gw=10.213.1.1,route=10.8.0.0/16",
    "unikrun.mounts=vda:/my%20data:ro,vdb:/v:rw",
    "--",
    "run",
  ]);
  t.regex(told(bench).all, /^transitional cards 2, disks 2$/m);
  t.regex(told(bench).all, /^modern cards 0, disks 0$/m);
});

test.serial("a variable of the environment never becomes a parameter of the kernel", (t) => {
  for (const variable of ["init=/bin/sh", "root=/dev/vda", "module.parameter=1", "quiet=", "a b=c", "=x"]) {
    const bench = benchOf(t, "bzimage");
    bench.configure(({ process }) => Object.assign(process, { env: [variable] }));
    t.regex(refusal(bench), /can't be told the environment variable .*take it for a parameter/, variable);
  }
  const bench = benchOf(t, "bzimage");
  bench.configure(({ process }) => Object.assign(process, { env: ["SECRET=x init=/bin/sh"] }));
  t.regex(refusal(bench), /"SECRET": in its value stands "init=" behind a blank/);
});

test.serial("what a Linux kernel's command line can't carry is refused by name", (t) => {
  t.regex(refusal(benchOf(t, "bzimage", "fine", 'a"b')), /argument 2: .*its quotation marks/);
  t.regex(refusal(benchOf(t, "bzimage", "x".repeat(2048))), /told more than 2047 bytes/);
  t.regex(refusal(benchOf(t, "bzimage", ...Array(33).fill("x"))), /32 arguments, and these are 33/);
  t.regex(refusal(benchOf(t, "bzimage", "--", "x=vga=1")), /a word with vga= in it/);
  const bench = benchOf(t, "bzimage");
  bench.configure(({ process }) =>
    Object.assign(process, { env: Array.from({ length: 30 }, (_, index) => `V${index}=x`) }),
  );
  t.regex(refusal(bench), /29 environment variables .*these are 30/);
});

test.serial("a signal presses the power button, and the guest ends as it says", (t) => {
  const bench = benchOf(t, "bzimage", "do=button");
  start(t, bench);
  until(() => bench.output().includes("waits for its button"));
  t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
  t.is(bench.wait(), 143, "it has said nothing of its own");
  t.true(bench.output().includes("its button was pressed"));
});

test.serial("a guest that can't hear its button is ended at once", (t) => {
  const bench = benchOf(t, "bzimage", "do=stay");
  start(t, bench);
  until(() => bench.output().includes("ACPI"));
  t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
  t.is(bench.wait(), 143);
});

test.serial("a guest that ignores its button is ended by the second signal", (t) => {
  const bench = benchOf(t, "bzimage", "do=ignore");
  start(t, bench);
  until(() => bench.output().includes("ignores its button"));
  t.is(bench.call("kill", bench.id, "SIGINT").code, 0);
  t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
  t.is(bench.wait(), 143);
});

test.serial("an OSv guest is told its address, its environment and its command", (t) => {
  const bench = benchOf(t, "osv", "--rootfs=ramfs", "/program", 'say "x\\y"', "$5");
  t.regex(refusal(bench), /can't be told word 3 of its command: behind a \$/);
  const other = benchOf(t, "osv", "--rootfs=ramfs", "/program", 'say "x\\y"');
  placeInNetwork(other, makeNetworks(t, 1));
  other.configure(({ process }) => Object.assign(process, { env: ["A=b c\\d"], cwd: "/srv" }));
  start(t, other);
  t.is(other.wait(), 0);
  t.is(
    told(other).line,
    '--verbose --ip=eth0,10.213.0.2,255.255.255.0 --env=A=b\\ c\\\\d --cwd=/srv --rootfs=ramfs "/program" "say \\"x\\\\y\\""',
  );
  t.regex(
    refusal(benchOf(t, "osv", "/program", "x".repeat(4095))),
    /more than 4095 bytes, and .* take 41\d\d: /,
  );
  t.regex(refusal(benchOf(t, "osv")), /runs the command that its arguments are, and there is none/);
});

test.serial("a Hermit application is booted by its loader, with modern devices", (t) => {
  const bench = benchOf(t, "hermit", "it's", "a b");
  placeInNetwork(bench, makeNetworks(t, 1));
  bench.configure(({ process }) => Object.assign(process, { env: ["A=b c", "HERMIT_IP=10.0.0.1"] }));
  start(t, bench);
  t.is(bench.wait(), 0);
  t.is(told(bench).by, "multiboot");
  t.is(
    told(bench).line,
    "/guest/kernel 'env=A=b c' env=HERMIT_IP=10.0.0.1 -ip 10.213.0.2 -mask 255.255.255.0 -gateway 10.213.0.2 env=HERMIT_MTU=1514 -- 'it'\\''s' 'a b'",
  );
  t.regex(told(bench).all, /^file: 256 bytes: \x7fELF/m);
  t.regex(told(bench).all, /^transitional cards 0, disks 0$/m);
  t.regex(told(bench).all, /^modern cards 1, disks 0$/m);
});

test.serial("a Hermit application without a loader is refused with where to put one", (t) => {
  const bench = makeBench([]);
  t.teardown(() => bench[Symbol.dispose]());
  writeFileSync(`${bench.rootfs}/kernel`, hermitApplication());
  bench.configure(({ process }) => Object.assign(process, { args: ["/kernel"] }));
  t.regex(refusal(bench), /boots by a loader, and the image has none of \/hermit-loader, /);
});
