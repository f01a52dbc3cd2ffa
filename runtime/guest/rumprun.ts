import { ELF_MACHINE, type Elf, SEGMENT } from "./file/elf.ts";
import type { KernelFile } from "./file/kernel-file.ts";
import { loadedSize, searchTrouble } from "./file/loaded-program.ts";
import type { Marks } from "./file/marks.ts";
import { imageByMultiboot, MULTIBOOT_SEARCH, multibootTrouble } from "./file/multiboot.ts";
import type { ExitRule, GuestFamily, Recognition } from "./guest.ts";
import { rumprunConfig } from "./rumprun/config.ts";
import { kernelTraits } from "./rumprun/kernel.ts";

/** Page-aligned modules, a memory map, and load addresses: what rumprun's start-up code asks for. */
const FLAGS = 0x10003;

/** In rumprun's configuration reader since it takes JSON (2015), before September of that year without `_RUMPRUN_`. */
const MARK = Buffer.from("ROOTFSCFG=");

/** The lines are those of rumprun's librumprun_base and bmk_core, whatever the program prints. */
const EXIT_RULES: readonly ExitRule[] = [
  // Later it may be a request that the program survives; now the kernel waits for memory for ever.
  { when: "boot", line: "cannot handle page request order *", code: 137, phase: "ended" },
  { when: "boot", line: '=== calling "*" main() ===', phase: "main" },
  { when: "boot", line: "=== bootstrap failed", code: 126, phase: "ending" },
  { line: '=== main() of "*" returned # ===', code: "#", phase: "ending" },
  { line: "=== ERROR: _exit(#) called ===", code: "#", phase: "ending" },
  { line: "=== _exit(#) called ===", code: "#", phase: "ending" },
  // A main program that ends as a thread, or has become a daemon, names no code.
  { when: "main", line: "rump kernel halting...", code: 0, phase: "ending" },
  // These two may follow on an unfinished line of the program's.
  { line: "*PANIC: *", code: 134, phase: "ending" },
  { line: "*FATAL TRAP: *", code: 139, phase: "ending", halts: true },
  { line: "halted", halts: true },
];

/** Rump kernels of rumprun for its hw/x86_64 platform. */
export const rumprun: GuestFamily = {
  name: "rumprun",
  recognizes,
  // They use the memory that begins at 1 MiB: with 3.5 GiB or more the board moves what is above 3 GiB past the hole for PCI.
  memory: { defaultMiB: 64, floorMiB: 8, mostMiB: 3583 },
  board: { machine: "pc", loader: "init", firmware: "unikrun", acpi: false },
  limits: { nics: 8, disks: 15 },
  devices: { modern: false, headers: true, disks: "folders" },
  image: imageByMultiboot,
  traits: kernelTraits,
  bootArguments: rumprunConfig,
  ending: { rules: EXIT_RULES, reset: "fault", stop: "end" },
  features: {
    arguments: 'yes, without `"` and `\\`',
    environment: "yes, likewise",
    cards: "eight",
    addresses: "IPv4 and IPv6, several a card",
    gateways: "one of each family",
    routes: "by its gateway's card",
    mtu: "1,500 in kernels of 2015, else by virtio",
    names: "yes",
    hostname: "yes",
    folders: "yes",
    images: "ISO 9660, ext2, FFS",
    input: "no",
    exitCode: "yes",
    stop: "asked to sync and halt, where its kernel takes system calls; else ended",
  },
};

/** A kernel of nobody's is looked at closely, too, since what it lacks may be the mark alone. */
function recognizes(marks: Marks): Recognition | null {
  const { elf, file } = marks;
  if (!elf) return null;
  const tooLarge = searchTrouble(elf);
  if (!tooLarge && !hasMark(marks, elf)) return null;
  const refusal = tooLarge ?? refusalOf(marks, elf, file.size);
  return refusal === null ? {} : { refusal };
}

function refusalOf({ multiboot }: Marks, elf: Elf, size: number): string | null {
  if (elf.bits !== 64) return "a 32-bit ELF file, and only 64-bit ones of it are known";
  if (elf.machine !== ELF_MACHINE.x86_64) return "not made for x86-64";
  if (!multiboot) {
    return `it has no multiboot header in its first ${MULTIBOOT_SEARCH} bytes, as those for its hw platform have: it is for another, or was altered`;
  }
  const trouble = multibootTrouble(multiboot, size);
  if (trouble) return trouble;
  return multiboot.flags === FLAGS
    ? null
    : `its multiboot flags are 0x${multiboot.flags.toString(16)}, and rumprun's 0x10003`;
}

function hasMark(marks: Marks, elf: Elf): boolean {
  const readOnlyData = marks.sections().find(({ name }) => name === ".rodata");
  // It is there, as a rule; one that is larger than the program is none of it.
  if (readOnlyData && readOnlyData.size <= loadedSize(elf.segments) && isIn(marks.file, readOnlyData))
    return true;
  return elf.segments.some((segment) => segment.type === SEGMENT.load && isIn(marks.file, segment));
}

/** In pieces, each of which has the end of the one before. */
function isIn(kernel: KernelFile, { offset, size }: { offset: number; size: number }): boolean {
  const PIECE = 1 << 18;
  for (let at = 0; at < size; at += PIECE) {
    const length = Math.min(PIECE + MARK.length, size - at);
    if (kernel.read(offset + at, length).includes(MARK)) return true;
  }
  return false;
}
