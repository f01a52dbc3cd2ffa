/** Solo5's targets spt and hvt, run by the host's tenders: in the cage, with what they declare, and ended as they say. */
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import test from "ava";
import { vmmOf } from "../proc.ts";
import { leftovers, placeInNetwork, start, unikrun, until } from "./harness.ts";
import { address, mac, makeNetworks } from "./networks.ts";
import { bareHost, refusal, tenderBench, tenderHost, told } from "./tender-harness.ts";

const kvmTest = existsSync("/dev/kvm") ? test.serial : test.serial.skip;

for (const [args, code, words] of [
  [["exit", "0"], 0, /^$/],
  [["exit", "1"], 1, /^$/],
  [["exit", "7"], 7, /^$/],
  [["exit", "255"], 255, /^$/],
  [["abort"], 134, /^$/],
  [["fault"], 139, /guest was ended by signal 11/],
  [["call"], 159, /signal 31 .*system call that its tender does not allow/],
  [["fail"], 125, /tender ended by itself: tender: lost its way/],
] as const)
  test.serial(`"${args.join(" ")}" ends with ${code}`, async (t) => {
    const bench = tenderBench(t, await tenderHost(t), { args });
    start(t, bench);
    t.is(bench.wait(), code);
    t.true(bench.output().includes(`command line: ${args.join(" ")}\n`), bench.output());
    t.regex(told(bench), words);
    const { lines, exit } = JSON.parse(bench.call("trace", "--json", bench.id).stdout);
    t.is(exit.code, code);
    t.true(lines.some(({ what }: { what: string }) => what === "let-go"));
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  });

test.serial("it sees the tender, its libraries and its kernel, as nobody", async (t) => {
  const bench = tenderBench(t, await tenderHost(t), { args: ["exit", "0"] });
  start(t, bench);
  t.is(bench.wait(), 0);
  const [, names = ""] = /^root: (.*)$/m.exec(bench.output()) ?? [];
  t.deepEqual(
    names.split(" ").filter((name) => !["bin", "sbin", "lib", "lib32", "lib64", "usr", "etc"].includes(name)),
    names.split(" ").filter((name) => ["dev", "guest", "tender"].includes(name)),
  );
  t.true(bench.output().includes("uid own, new privileges never\n"));
});

test.serial("its cage has single libraries, null alone of the devices, and no capability", async (t) => {
  const bench = tenderBench(t, await tenderHost(t), { args: ["serve"] });
  start(t, bench);
  until(() => bench.output().includes("command line: serve"));
  const tender = `/proc/${vmmOf(bench.pid())}`;
  t.deepEqual(readdirSync(`${tender}/root/dev`), ["null"]);
  t.false(existsSync(`${tender}/root/usr/share`));
  t.false(existsSync(`${tender}/root/etc/passwd`));
  const status = readFileSync(`${tender}/status`, "utf8");
  for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"]) t.regex(status, new RegExp(`^Cap${set}:\t0+$`, "m"));
  t.deepEqual(readdirSync(`${tender}/fd`).sort(), ["0", "1", "2"]);
});

test.serial("it gets the card and the disk that it declares, whoever owns that", async (t) => {
  const networks = makeNetworks(t, 1);
  const bench = tenderBench(t, await tenderHost(t), { args: ["write"], kernel: "solo5-devices" });
  const disk = `${bench.folder}/disk.img`;
  writeFileSync(disk, "", { mode: 0o600 });
  truncateSync(disk, 1 << 20);
  placeInNetwork(bench, networks);
  bench.mount(disk, "/storage", "rw");
  start(t, bench);
  t.is(bench.wait(), 0);
  t.regex(bench.output(), /^card of 1500 bytes$/m);
  t.regex(bench.output(), new RegExp(`^card service has ${mac(0)}$`, "m"));
  t.regex(bench.output(), /^disk storage of 1048576 bytes$/m);
  t.regex(bench.output(), /^command line: --ipv4=10.213.0.2\/24 write$/m);
  t.true(readFileSync(disk).toString("latin1").startsWith("written by the guest\0"));
  t.is(statSync(disk).uid, 0);
});

test.serial("it can't write a disk that is mounted read-only", async (t) => {
  const networks = makeNetworks(t, 1);
  const bench = tenderBench(t, await tenderHost(t), { args: ["write"], kernel: "solo5-devices" });
  const disk = `${bench.folder}/disk.img`;
  writeFileSync(disk, Buffer.alloc(1 << 20));
  placeInNetwork(bench, networks);
  bench.mount(disk, "/storage", "ro");
  start(t, bench);
  t.is(bench.wait(), 9);
  t.deepEqual(readFileSync(disk), Buffer.alloc(1 << 20));
});

test.serial("its neighbours reach it at the container's address", async (t) => {
  const networks = makeNetworks(t, 1);
  const bench = tenderBench(t, await tenderHost(t), { args: ["network"], kernel: "solo5-devices" });
  writeFileSync(`${bench.folder}/disk.img`, Buffer.alloc(1 << 20));
  placeInNetwork(bench, networks);
  bench.mount(`${bench.folder}/disk.img`, "/storage", "ro");
  start(t, bench);
  const sent = Bun.spawnSync(["bash", "-c", `echo hello > /dev/udp/${address(0)}/9`]);
  t.is(sent.exitCode, 0, sent.stderr.toString());
  until(() => bench.output().includes("\nasked\n"));
  const known = (): string => Bun.spawnSync(["ip", "neigh", "show", address(0)]).stdout.toString();
  until(() => known().includes(mac(0)));
  t.is(bench.call("kill", bench.id, "TERM").code, 0);
  t.is(bench.wait(), 143);
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});

test.serial("what it lacks is told before it begins", async (t) => {
  const networks = makeNetworks(t, 1);
  const host = await tenderHost(t);
  const bench = tenderBench(t, host, { kernel: "solo5-devices" });
  t.regex(refusal(bench), /declares 1 network card \(service\), and the container has 0/);
  const image = tenderBench(t, host, { kernel: "solo5-devices" });
  placeInNetwork(image, networks);
  writeFileSync(
    `${image.folder}/disk.qcow2`,
    Buffer.concat([Buffer.from("QFI\xfb\0\0\0\x03", "latin1"), Buffer.alloc(4096)]),
  );
  image.mount(`${image.folder}/disk.qcow2`, "/storage", "ro");
  t.regex(refusal(image), /disk.qcow2 is a qcow2 image, and a tender reads disks as they are/);
});

test.serial("what the tender says where it does not run its guest is the start's error", async (t) => {
  const bench = tenderBench(t, await tenderHost(t), { version: 9 });
  t.regex(refusal(bench), /ended at once: .*requests unsupported ABI version 9/);
  t.is(bench.call("delete", "--force", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});

for (const target of ["spt", "hvt"] as const)
  test.serial(`inspect tells that a file for ${target} is run by its tender`, async (t) => {
    const bench = tenderBench(t, await bareHost(t), { target, kernel: "solo5-devices" });
    const { stdout } = Bun.spawnSync([unikrun, "inspect", `${bench.rootfs}/kernel`]);
    for (const row of [
      `family +solo5-${target}`,
      `target +${target}`,
      `run by +solo5-${target}`,
      "needs disks +storage",
    ])
      t.regex(stdout.toString(), new RegExp(`^${row}$`, "m"));
    t.false(/^firmware/m.test(stdout.toString()));
  });

for (const target of ["spt", "hvt"] as const)
  test.serial(`without a tender for ${target} one sentence says where it was looked for`, async (t) => {
    const bench = tenderBench(t, await bareHost(t), { target });
    t.regex(
      refusal(bench),
      new RegExp(
        `Solo5's target ${target}, which solo5-${target} runs, and this host has none .*/usr/bin/solo5-${target}, /usr/local/bin/solo5-${target}.*-t virtio is run by QEMU\\.$`,
      ),
    );
  });

kvmTest("hvt needs KVM, and says so where there is none", async (t) => {
  const host = await tenderHost(t);
  const bench = tenderBench(t, host, { target: "hvt", args: ["exit", "5"] });
  host.shutDevice();
  t.regex(
    refusal(bench),
    /target hvt, which needs KVM, and that can't be used here, as .*\/dev\/kvm.*-t spt/,
  );
});

kvmTest("hvt has KVM in its cage", async (t) => {
  const bench = tenderBench(t, await tenderHost(t), { target: "hvt", args: ["exit", "5"] });
  start(t, bench);
  t.is(bench.wait(), 5);
});
