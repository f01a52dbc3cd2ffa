/** What the firmware of a machine has to find and tell: cards, disks, memory; and the choice of it. */
import { readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { vmmOf } from "../proc.ts";
import { ask } from "./ask.ts";
import { type Bench, makeBench, placeInNetwork, start, until } from "./harness.ts";
import { address, mac, makeNetworks } from "./networks.ts";
import { privateHost } from "./private-host.ts";

const annotate = (bench: Bench, annotations: Readonly<Record<string, string>>): void =>
  bench.configure((config) => Object.assign(config, { annotations }));

const get = async (card: number, path: string): Promise<string> =>
  (await ask(`http://${address(card)}${path}`)).text();

interface Config {
  readonly memory: number;
  readonly nics: readonly { readonly mac: string; readonly addresses: readonly string[] }[];
  readonly disks: readonly { readonly dev: string; readonly bytes: number }[];
}

for (const [cards, disks] of [
  [1, 0],
  [2, 1],
  [5, 8],
  [8, 15],
] as const)
  test.serial(`a guest with ${cards} cards and ${disks} disks has all of them, in order`, async (t) => {
    const names = Array.from({ length: disks }, (_, disk) => `disk${disk}.img`);
    const bytes = (disk: number): number => (disk + 1) * 4096;
    using bench = makeBench(["http", "80"], {
      ...Object.fromEntries(names.map((name, disk) => [name, `I am ${name}`.padEnd(bytes(disk), ".")])),
      "unikrun.json": JSON.stringify({
        kernel: "/probe.bin",
        disks: names.map((name) => ({ path: `/${name}` })),
      }),
    });
    placeInNetwork(bench, makeNetworks(t, cards));
    start(t, bench);
    for (let card = 0; card < cards; card++) t.regex(await get(card, "/"), /tested/, `card ${card}`);
    const config: Config = JSON.parse(await get(cards - 1, "/config"));
    t.deepEqual(
      config.nics.map((nic) => [nic.mac, nic.addresses[0]]),
      Array.from({ length: cards }, (_, card) => [mac(card), `${address(card)}/24`]),
    );
    t.deepEqual(
      config.disks.map((disk) => [disk.dev, disk.bytes]),
      names.map((_, disk) => [`ld${disk}`, bytes(disk)]),
    );
    for (const [disk, name] of names.entries())
      t.is(await get(0, `/disk?dev=ld${disk}&length=20`), `I am ${name}`.padEnd(20, "."));
  });

for (const memory of [8, 64, 1024, 3583])
  test.serial(`a guest of ${memory} MiB has all of them but the first`, async (t) => {
    using bench = makeBench(["http", "80"]);
    annotate(bench, { "org.unikrun.memory": `${memory}` });
    placeInNetwork(bench, makeNetworks(t, 1));
    start(t, bench);
    const config: Config = JSON.parse(await get(0, "/config"));
    t.is(config.memory, (memory - 1) * 2 ** 20);
  });

test.serial("a kernel that does not fit into its memory is refused, with how much it takes", (t) => {
  using bench = makeBench(["return", "0"]);
  const kernel = readFileSync(`${bench.rootfs}/probe.bin`);
  // It claims 16 MiB of variables (its header's bss_end_addr).
  kernel.writeUInt32LE(0x1100000, 0x1000 + 24);
  writeFileSync(`${bench.rootfs}/probe.bin`, kernel);
  annotate(bench, { "org.unikrun.memory": "8" });
  const { code, stderr } = bench.call("create");
  t.is(code, 1);
  t.regex(stderr, /\/probe\.bin takes 17 MiB as soon as it is loaded, and its guest has 8 MiB: give it more/);
});

/** The command that the container's VMM was called by. */
function vmmCommand(bench: Bench): readonly string[] {
  const vmm = vmmOf(bench.pid());
  return readFileSync(`/proc/${vmm}/cmdline`, "utf8").split("\0");
}

const hasOurs = (bench: Bench): boolean => vmmCommand(bench).includes("/guest/firmware");

test.serial("the annotation chooses the firmware", (t) => {
  for (const firmware of ["unikrun", "seabios"]) {
    using bench = makeBench(["sleep", "1000"]);
    annotate(bench, { "org.unikrun.firmware": firmware });
    start(t, bench);
    t.is(hasOurs(bench), firmware === "unikrun");
  }
});

test.serial("the host's settings choose it, and the annotation wins over them", async (t) => {
  using host = await privateHost();
  host.configure({ firmware: "seabios", accelerator: "tcg" });
  using bench = makeBench(["sleep", "1000"], {}, host.runtime);
  start(t, bench);
  t.false(hasOurs(bench));
  using other = makeBench(["sleep", "1000"], {}, host.runtime);
  annotate(other, { "org.unikrun.firmware": "unikrun" });
  start(t, other);
  t.true(hasOurs(other));
});

test.serial("a checkpoint is restored with the firmware that it was made with, whatever is set now", (t) => {
  using bench = makeBench(["cat"]);
  const image = `${bench.folder}/image`;
  annotate(bench, { "org.unikrun.firmware": "seabios" });
  start(t, bench);
  until(() => bench.output().includes("main()"));
  const save = () => bench.call("checkpoint", "--image-path", image, bench.id);
  t.is(save().code, 0);
  bench.wait();
  bench.call("delete", bench.id);

  annotate(bench, {});
  const restore = () => {
    const to = ["--image-path", image, "--bundle", bench.bundle, "--pid-file", `${bench.folder}/pid`];
    return bench.call("restore", "--detach", ...to, bench.id);
  };
  const outcome = restore();
  t.is(outcome.code, 0, outcome.log.at(-1)?.msg);
  t.false(hasOurs(bench));
  bench.call("kill", bench.id, "KILL");
  bench.wait();
  bench.call("delete", bench.id);

  const file = `${image}/unikrun-checkpoint.json`;
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), version: 1 }));
  t.regex(restore().stderr, /is of an older unikrun, whose machines were others: take another/);
});
