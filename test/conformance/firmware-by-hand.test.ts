/** The firmware on machines that the runtime does not make: their command line and devices come after the board. */
import { readFileSync } from "node:fs";
import test from "ava";
import { type BareMachine, makeMachine, ORDER_ADDRESS } from "./bare-machine.ts";
import { probe } from "./harness.ts";

/** A machine whose kernel is told `args`. */
function machineFor(args: readonly string[], options: Parameters<typeof makeMachine>[0] = {}): BareMachine {
  const machine = makeMachine(options);
  machine.tell(`{"cmdline":"probe ${args.join(" ")}"}`);
  return machine;
}

for (const count of [1, 40])
  test.serial(`a command line with ${count} long arguments reaches the kernel`, async (t) => {
    const args = Array.from({ length: count }, (_, i) => `${i}`.padStart(95, "x"));
    await using machine = machineFor(["echo", ...args]);
    const text = await machine.run(/^halted/m);
    t.deepEqual([...text.matchAll(/^arg\[\d+\]=<(.*)>$/gm)].map(([, arg]) => arg).slice(2), args);
  });

test.serial("one that is written after the board was made counts", async (t) => {
  await using machine = machineFor(["echo", "before"]);
  await machine.ask("query-status");
  machine.tell('{"cmdline":"probe echo after"}');
  t.regex(await machine.run(/^halted/m), /arg\[2\]=<after>/);
});

test.serial(
  "the longest command line that fits into memory reaches the kernel, for which it is too long",
  async (t) => {
    await using machine = makeMachine({ memoryMiB: 8 });
    machine.tell("x".repeat(524_267 - "/guest/kernel ".length));
    t.regex(await machine.run(/^halted/m), /PANIC: command line too long/);
  },
);

test.serial("a command line without an end is not read, and the machine ends in one line", async (t) => {
  await using machine = makeMachine({});
  machine.write(ORDER_ADDRESS + 8, Buffer.from("\xff\xff\xff\xff", "latin1"));
  t.is(await machine.run(/\n/), "unikrun's firmware: the command line in memory has no end\n");
});

test.serial("a machine without a kernel in memory ends in one line", async (t) => {
  await using machine = makeMachine({ kernel: null });
  t.is(await machine.run(/\n/), "unikrun's firmware: there is no kernel in memory\n");
});

/** The memory map of Multiboot 0.6.96, 3.3, as [address, end, type]. */
function mapOf({ read }: BareMachine): { low: number; high: number; map: [number, number, number][] } {
  const info = read(0x9500, 88);
  const map = read(info.readUInt32LE(48), info.readUInt32LE(44));
  return {
    low: info.readUInt32LE(4),
    high: info.readUInt32LE(8),
    map: Array.from({ length: map.length / 24 }, (_, entry) => {
      const [size, address, length, type] = [
        map.readUInt32LE(entry * 24),
        Number(map.readBigUInt64LE(entry * 24 + 4)),
        Number(map.readBigUInt64LE(entry * 24 + 12)),
        map.readUInt32LE(entry * 24 + 20),
      ];
      if (size !== 20) throw new Error(`an entry of ${size} bytes`);
      return [address, address + length, type] as [number, number, number];
    }),
  };
}

const MIB = 2 ** 20;

for (const [memoryMiB, first, above] of [
  [8, 8, 0],
  [3583, 3583, 0],
  [3584, 3072, 512],
  [4096, 3072, 1024],
] as const)
  test.serial(`the kernel is told of ${memoryMiB} MiB of memory, where they are`, async (t) => {
    await using machine = machineFor(["env"], { memoryMiB });
    await machine.run(/^halted/m);
    const { low, high, map } = mapOf(machine);
    t.deepEqual([low, high], [639, (first - 1) * 1024]);
    t.deepEqual(
      map.filter(([, , type]) => type === 1).sort(([a], [b]) => a - b),
      [[0, 0x9fc00, 1], [MIB, first * MIB, 1], ...(above ? [[2 ** 32, 2 ** 32 + above * MIB, 1]] : [])] as [
        number,
        number,
        number,
      ][],
    );
    const sorted = map.sort(([a], [b]) => a - b);
    for (const [i, [from]] of sorted.entries())
      t.true(from >= (sorted[i - 1]?.[1] ?? 0), JSON.stringify(map));
  });

test.serial("variables of a kernel that nobody touches take none of the host's memory", async (t) => {
  const kernel = readFileSync(probe);
  // Its header's bss_end_addr.
  kernel.writeUInt32LE(33 * MIB, 0x1000 + 24);
  await using machine = machineFor(["echo", "behind"], { kernel });
  t.regex(await machine.run(/^halted/m), /arg\[2\]=<behind>/);
  t.true(machine.taken() < 16 * MIB, `${machine.taken()} bytes`);
});

/** It halts at once, and for good. */
function idleKernel(): Buffer {
  const [magic, flags, load] = [0x1badb002, 0x10000, MIB];
  const header = [magic, flags, -(magic + flags), load, load, 0, 0, load + 32].flatMap((word) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(word | 0);
    return [...bytes];
  });
  return Buffer.from([...header, 0xfa, 0xf4, 0xeb, 0xfd]);
}

test.serial(
  "an emulated kernel's translated addresses have room, and it finds a processor as multiboot has it",
  async (t) => {
    const flushes: number[] = [];
    // The first has no 64-bit mode, so nothing to prepare.
    for (const cpu of ["qemu32", "qemu64"]) {
      await using machine = makeMachine({ kernel: idleKernel(), args: ["-cpu", cpu] });
      const human = async (line: string): Promise<string> =>
        String(await machine.ask("human-monitor-command", { "command-line": line }));
      await machine.ask("cont");
      const deadline = Date.now() + 20_000;
      while (!(await human("info registers")).includes("HLT=1") && Date.now() < deadline) await Bun.sleep(20);
      const registers = await human("info registers");
      t.regex(registers, /HLT=1/);
      t.regex(registers, /CR0=00000011 .*CR4=00000000/);
      if (cpu === "qemu64") t.regex(registers, /EFER=0000000000000000/);
      // Where its tables were.
      t.deepEqual(machine.read(0x90000, 0x4000), Buffer.alloc(0x4000));
      const counts = [...(await human("info jit")).matchAll(/^TLB (?:full|partial) flushes +(\d+)$/gm)];
      flushes.push(counts.reduce((sum, [, count]) => sum + Number(count), 0));
    }
    const [without = 0, having = 0] = flushes;
    // From 64 entries to 1,024, each time by a flush.
    t.true(having >= without + 5, `${flushes}`);
  },
);

interface Region {
  readonly bar: number;
  readonly type: "io" | "memory";
  readonly address: number;
  readonly size: number;
}

interface Bus {
  readonly devices: readonly {
    readonly slot: number;
    readonly function: number;
    readonly irq?: number;
    readonly regions: readonly Region[];
  }[];
}

test.serial(
  "devices that were added to the board, of several functions, with 64-bit addresses, at any slot, have places and interrupts",
  async (t) => {
    await using machine = machineFor(["env"], {
      memoryMiB: 4096,
      args: ["-object", "memory-backend-ram,id=big,size=64M"],
    });
    const add = (driver: string, addr: string, more = {}) =>
      machine.ask("device_add", { driver, bus: "pci.0", addr, ...more });
    const card = { romfile: "" };
    await add("virtio-rng-pci", "2.1");
    await add("virtio-net-pci", "2.7", card);
    await add("virtio-net-pci", "2.0", { ...card, multifunction: true });
    await add("ivshmem-plain", "3", { memdev: "big" });
    for (let slot = 4; slot < 0x20; slot++)
      await add("virtio-net-pci", slot.toString(16), { ...card, "disable-legacy": slot % 2 ? "on" : "off" });
    t.regex(await machine.run(/^halted/m), /^hostname=rumprun$/m);

    // PCI's lines are levels: an edge is lost where two devices share one.
    const pic = await machine.ask("human-monitor-command", { "command-line": "info pic" });
    t.regex(String(pic), /pic1: .* elcr=0c /);
    t.regex(String(pic), /pic0: .* elcr=00 /);

    const [bus] = (await machine.ask("query-pci")) as readonly Bus[];
    const devices = bus?.devices ?? [];
    t.is(devices.length, 3 + 3 + 1 + 28);
    const used: [number, number][] = [];
    for (const { slot, function: number, irq, regions } of devices) {
      const what = `${slot}.${number}`;
      const isOurs = slot > 1 && irq !== undefined;
      t.is(isOurs ? irq : undefined, isOurs ? [10, 10, 11, 11][(slot - 1) % 4] : undefined, what);
      for (const { type, bar, address, size } of regions) {
        const [from, to] = type === "io" ? [0xc000, 0x10000] : [0xe0000000, 0xfec00000];
        t.true(
          address >= from && address + size <= to && address % size === 0,
          `${what}, ${bar}: ${address}`,
        );
        // Ports and memory are far from each other.
        used.push([address, address + size]);
      }
    }
    used.sort(([a], [b]) => a - b);
    for (const [i, [from]] of used.entries()) t.true(from >= (used[i - 1]?.[1] ?? 0), `${from}`);
    const regionsOf = (slot: number, number = 0) =>
      devices.find((each) => each.slot === slot && each.function === number)?.regions.length;
    t.deepEqual(
      [regionsOf(2), regionsOf(2, 1), regionsOf(2, 7), regionsOf(3), regionsOf(5)],
      [3, 3, 3, 2, 2],
    );
  },
);
