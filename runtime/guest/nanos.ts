/** Nanos (its src/fs/tlog.c, src/kernel/init.c): a disk image with kernel, program and manifest in it. */
import { type DiskImage, readDisk } from "./file/disk-image.ts";
import type { Elf } from "./file/elf.ts";
import type { KernelFile } from "./file/kernel-file.ts";
import { LoadedProgram, searchTrouble } from "./file/loaded-program.ts";
import type { Marks } from "./file/marks.ts";
import { hasXenEntry } from "./file/notes.ts";
import type { Boot, GuestFamily, Recognition } from "./guest.ts";

/** Its file system, where a partition begins. */
const MARK = Buffer.from("NVMTFS");

function recognizes({ disk, elf, notes, file }: Marks): Recognition | null {
  if (disk) return disk.partitions.some((start) => isOurs(disk, start)) ? {} : null;
  if (!elf || !hasXenEntry(notes)) return null;
  return holdsMark(file, elf)
    ? { refusal: "a kernel without its disk: give the disk image that was made with it (ops image create)" }
    : null;
}

function isOurs(disk: DiskImage, start: number): boolean {
  try {
    return disk.read(start, MARK.length).equals(MARK);
  } catch {
    return false;
  }
}

function holdsMark(file: KernelFile, elf: Elf): boolean {
  if (searchTrouble(elf) !== null) return false;
  return new LoadedProgram(file, elf).pieces(MARK.length).some(({ bytes }) => bytes.includes(MARK));
}

/** Words of a manifest as they stand in the log of its file system, each behind its kind and length (src/runtime/tuple.c). */
const WORDS = {
  debugExit: Buffer.from("\x88\x0adebug_exit", "latin1"),
  address: Buffer.from("\x86ipaddr", "latin1"),
};

/** Bytes of a partition that its log is looked for in, which begins there. */
const LOG = 2 << 20;

function wordsOf(kernel: KernelFile): Set<keyof typeof WORDS> {
  const reading = readDisk(kernel);
  if (reading.kind !== "disk") return new Set();
  const { disk } = reading;
  const logs = disk.partitions.filter((start) => isOurs(disk, start)).map((start) => logAt(disk, start));
  const names = Object.keys(WORDS) as (keyof typeof WORDS)[];
  return new Set(names.filter((name) => logs.some((log) => log.includes(WORDS[name]))));
}

function logAt(disk: DiskImage, start: number): Buffer {
  try {
    return disk.read(start, LOG);
  } catch {
    return Buffer.alloc(0);
  }
}

/**
 * Where there is ACPI, Nanos switches off by it, and its code is lost, unless its manifest has debug_exit; without ACPI it tells the
 * code always, but has no power button, by which its program would hear SIGTERM. So the true code comes first, and the button is for
 * those that have both. What the others write is on the private disk, which is gone with the machine anyway.
 */
const needsAcpi = (kernel: KernelFile): boolean => wordsOf(kernel).has("debugExit");

/** Engines always give an environment, so nobody need hear of that alone. */
function unheard({ args, nics, knows }: Boot): string[] {
  return [
    ...(args.length > 1
      ? [
          "the arguments are not heard: a Nanos guest has those of its image's manifest, and its environment, too",
        ]
      : []),
    ...(nics.length > 0 && knows?.has("address")
      ? [
          "the manifest has an address of its own (ipaddr), so the guest does not ask for the container's: take it out",
        ]
      : []),
  ];
}

export const nanos: GuestFamily = {
  name: "nanos",
  recognizes,
  memory: { defaultMiB: 128, floorMiB: 16, mostMiB: 65536 },
  board: { machine: "pc", loader: "disk", firmware: "seabios", acpi: false, debugPort: 0x501 },
  needsAcpi,
  limits: { nics: 8, disks: 15 },
  devices: { modern: false, headers: true, disks: "blocks", dhcp: true },
  image: () => ({ entry: 0, pieces: [], end: 0 }),
  traits: (kernel) => ({ files: new Map(), knows: wordsOf(kernel), proxy: false }),
  bootArguments: () => ({ commandLine: "" }),
  unheard,
  ending: { rules: [], debugCodes: [{ code: "#" }], reset: "fault", stop: "button" },
  features: {
    arguments: "those of its manifest",
    environment: "that of its manifest",
    cards: "eight",
    addresses: "IPv4, by DHCP",
    gateways: "IPv4, by DHCP",
    routes: "by DHCP, or by its gateway's card",
    mtu: "1,460",
    names: "its kernel, by DHCP; programs as its disk has it",
    hostname: "as its disk has it",
    folders: "no",
    images: "yes, mounted by its manifest",
    input: "no",
    exitCode: "yes, of seven bits",
    stop: "asked, where its manifest has debug_exit; else ended",
  },
};
