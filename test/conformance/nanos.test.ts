/** Guests that are a disk with all in it, as Nanos's are: booted from a private copy, told their addresses by DHCP, ended by their debug port. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { asQcow2 } from "../families/qcow2.ts";
import { run } from "../network/netns.ts";
import { ask } from "./ask.ts";
import { makeBootDisk, type Orders } from "./boot-disk.ts";
import { type Bench, leftovers, makeBench, placeInNetwork, start, until } from "./harness.ts";
import { address, mac, makeNetworks } from "./networks.ts";

function benchOf(t: ExecutionContext, disk: Buffer, ...args: string[]): Bench {
  const bench = makeBench([]);
  t.teardown(() => bench[Symbol.dispose]());
  writeFileSync(`${bench.rootfs}/disk.img`, disk);
  bench.configure(({ process }) => Object.assign(process, { args: ["/disk.img", ...args] }));
  return bench;
}

function started(t: ExecutionContext, orders: Orders, ...args: string[]): Bench {
  const bench = benchOf(t, makeBootDisk(orders), ...args);
  start(t, bench);
  return bench;
}

/** What the container printed on stderr. */
const errors = ({ folder }: Bench): string => readFileSync(`${folder}/output.errors`, "utf8");

const lines = (bench: Bench): string[] => bench.output().split("\n");

for (const [format, convert] of [
  ["raw", (disk: Buffer) => disk],
  ["qcow2", (disk: Buffer) => asQcow2(disk)],
] as const)
  for (const code of [0, 1, 7])
    test.serial(`a ${format} disk boots, is written, ends with ${code}, and is what it was`, (t) => {
      const disk = convert(makeBootDisk({ text: format, does: { code } }));
      const bench = benchOf(t, disk);
      const before = copies();
      start(t, bench);
      t.is(bench.wait(), code);
      t.deepEqual(lines(bench), [`disk 80 of 01: ${format}`, "it kept what was written", ""]);
      t.true(readFileSync(`${bench.rootfs}/disk.img`).equals(disk));
      t.deepEqual(copies(), before);
      t.is(bench.call("delete", bench.id).code, 0);
      t.deepEqual(leftovers(bench), []);
    });

/** What is in the folder that private copies are made in. */
function copies(): string[] {
  try {
    return readdirSync("/var/lib/unikrun/copies");
  } catch {
    return [];
  }
}

test.serial("it boots from its own disk, whatever others it has", (t) => {
  const bench = benchOf(t, makeBootDisk({ text: "its own", does: { code: 5 } }));
  const other = `${bench.folder}/other.img`;
  writeFileSync(other, asQcow2(makeBootDisk({ text: "another", does: { code: 6 } })));
  const mount = (destination: string, mode: string) => ({
    destination,
    source: other,
    type: "bind",
    options: ["bind", mode],
  });
  bench.configure((config) => Object.assign(config, { mounts: [mount("/a", "ro"), mount("/b", "ro")] }));
  start(t, bench);
  t.is(bench.wait(), 5);
  t.is(lines(bench)[0], "disk 80 of 03: its own");
});

test.serial("one that would tell its code with ACPI, too, is stopped by the power button", (t) => {
  const bench = started(t, { does: { code: 9, button: true }, debugExit: true });
  until(() => bench.output().includes("waiting for the button"));
  t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
  t.is(bench.wait(), 143);
  t.is(lines(bench).at(-2), "the button was pressed");
});

test.serial("any other has no ACPI, since its code would be lost by it, and its machine ends", (t) => {
  const bench = started(t, { does: { code: 9, button: true } });
  until(() => bench.output().includes("there is no button"));
  t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
  t.is(bench.wait(), 143);
});

test.serial("arguments that it can't be told are not lost without a word, which nobody else hears", (t) => {
  const told = started(t, { does: { code: 3 } }, "a", "b");
  t.is(told.wait(), 3);
  t.regex(errors(told), /^unikrun: the arguments are not heard/);
  const untold = started(t, { does: { code: 3 } });
  t.is(untold.wait(), 3);
  t.is(errors(untold), "");
});

test.serial("a disk that names another file is refused", (t) => {
  const disk = asQcow2(makeBootDisk({ does: { code: 0 } }));
  disk.writeBigUInt64BE(104n, 8);
  disk.writeUInt32BE("/etc/shadow".length, 16);
  disk.write("/etc/shadow", 104);
  const bench = benchOf(t, disk);
  const { code, log } = bench.call("create");
  t.not(code, 0);
  t.regex(`${log.at(-1)?.msg}`, /needs another file, its backing file/);
});

interface GuestConfig {
  readonly nics: readonly {
    readonly mac: string;
    readonly mtu: number;
    readonly addresses: readonly string[];
  }[];
  readonly gateways: readonly string[];
}

const LINE = JSON.stringify({
  cmdline: "probe http 80",
  net: { if: "vioif0", type: "inet", method: "dhcp" },
});
const TWO_CARDS = LINE.replace("}}", '},"net":{"if":"vioif1","type":"inet","method":"dhcp"}}');

/** A probe guest that serves, and is saved. */
async function saved(t: ExecutionContext) {
  const bench = benchOf(t, makeBootDisk({ does: { probe: LINE } }));
  placeInNetwork(bench, makeNetworks(t, 1));
  start(t, bench);
  t.is(await written(bench), "junk");
  const folder = `${bench.folder}/saved`;
  t.is(bench.call("checkpoint", "--image-path", folder, bench.id).code, 0);
  t.is(bench.wait(), 137);
  t.is(bench.call("delete", bench.id).code, 0);
  const restore = () =>
    bench.call(
      ...["restore", "--detach", "--image-path", folder, "--bundle", bench.bundle],
      ...["--pid-file", `${bench.folder}/pid`, bench.id],
    );
  return { bench, restore };
}

/** What the disk's own code has written where there were zeros. */
async function written(bench: Bench): Promise<string> {
  until(() => bench.output().includes("calling"));
  return (await ask(`http://${address(0)}/disk?dev=ld0&offset=${32 * 512}&length=4`)).text();
}

test.serial("it is saved with what it wrote, and goes on", async (t) => {
  const { bench, restore } = await saved(t);
  const { code, log } = restore();
  t.is(code, 0, log.at(-1)?.msg);
  t.is(await written(bench), "junk");
  t.is(bench.call("kill", bench.id, "SIGKILL").code, 0);
  t.is(bench.wait(), 137);
});

test.serial("it does not go on over another disk than its own", async (t) => {
  const { bench, restore } = await saved(t);
  writeFileSync(`${bench.rootfs}/disk.img`, makeBootDisk({ does: { code: 0 } }));
  const { code, log } = restore();
  t.is(code, 1);
  t.regex(`${log.at(-1)?.msg}`, /is another one than at the checkpoint/);
});

async function configOf(bench: Bench, host: string): Promise<GuestConfig> {
  until(() => bench.output().includes("calling"));
  return (await ask(`http://${host}/config`)).json() as Promise<GuestConfig>;
}

/** Counts the requests for addresses that come to this host by an interface. */
function countRequests(t: ExecutionContext, end: string): () => string {
  const match =
    "protocol ip u32 match ip protocol 17 0xff match ip dport 67 0xffff action mirred egress redirect dev lo";
  run(`tc qdisc add dev ${end} ingress`);
  run(`tc filter add dev ${end} ingress ${match}`);
  t.teardown(() => run(`tc qdisc del dev ${end} ingress`));
  return () => {
    const { stdout } = Bun.spawnSync(["tc", "-s", "filter", "show", "dev", end, "ingress"]);
    return /Sent \d+ bytes (\d+) pkt/.exec(stdout.toString())?.[1] ?? "nothing was counted";
  };
}

test.serial(
  "each card learns its container's address and gateway by DHCP, and nobody else hears it ask",
  async (t) => {
    const bench = benchOf(t, makeBootDisk({ does: { probe: TWO_CARDS } }));
    const netns = makeNetworks(t, 2);
    const name = netns.replace("/run/netns/", "");
    run(`ip -n ${name} route add default via 10.213.1.1`);
    const counts = [0, 1].map((card) => countRequests(t, `ukfw${process.pid}${card}`));
    // That they are counted, others show that come by before.
    for (const card of [0, 1]) run(`ip netns exec ${name} bash -c echo>/dev/udp/10.213.${card}.1/67`);
    until(() => counts.every((count) => count() === "1"));
    placeInNetwork(bench, netns);
    start(t, bench);
    const { nics, gateways } = await configOf(bench, address(0));
    t.like(nics[0], { mac: mac(0), mtu: 1500 });
    t.is(nics[0]?.addresses[0], `${address(0)}/24`);
    t.is(nics[1]?.addresses[0], `${address(1)}/24`);
    t.true(gateways.includes("10.213.1.1"));
    t.deepEqual(
      counts.map((count) => count()),
      ["1", "1"],
    );
    t.is(bench.call("kill", bench.id, "SIGKILL").code, 0);
    t.is(bench.wait(), 137);
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  },
);

test.serial("behind a gateway outside its own address it is told one that it finds", async (t) => {
  const bench = benchOf(t, makeBootDisk({ does: { probe: LINE } }));
  const netns = makeNetworks(t, 1);
  const [name, end] = [netns.replace("/run/netns/", ""), `ukfw${process.pid}0`];
  for (const command of [
    `ip addr flush dev ${end}`,
    `ip addr add 169.254.1.1/32 dev ${end}`,
    `ip route add 10.214.7.2/32 dev ${end}`,
    `ip -n ${name} addr flush dev eth0`,
    `ip -n ${name} addr add 10.214.7.2/32 dev eth0`,
    `ip -n ${name} route add 169.254.1.1 dev eth0 scope link`,
    `ip -n ${name} route add default via 169.254.1.1`,
  ])
    run(command);
  placeInNetwork(bench, netns);
  start(t, bench);
  const { nics, gateways } = await configOf(bench, "10.214.7.2");
  t.is(nics[0]?.addresses[0], "10.214.7.2/8");
  t.true(gateways.includes("10.255.255.254"));
});
