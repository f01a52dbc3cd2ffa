import { ELF_MACHINE, type Elf, readElf, readSections, SEGMENT } from "./elf.ts";
import type { ExitRule, GuestFamily, KernelFile, KernelImage } from "./guest.ts";
import { findMultiboot, MULTIBOOT_SEARCH, multibootImage, multibootTrouble } from "./multiboot.ts";
import { rumprunConfig } from "./rumprun-config.ts";
import { kernelTraits } from "./rumprun-kernel.ts";

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
  refuses,
  // They use the memory that begins at 1 MiB: with 3.5 GiB or more the board moves what is above 3 GiB past the hole for PCI.
  memory: { defaultMiB: 64, floorMiB: 8, mostMiB: 3583 },
  board: { machine: "pc", firmware: "unikrun" },
  limits: { nics: 8, disks: 15 },
  image,
  traits: kernelTraits,
  bootArguments: rumprunConfig,
  exitRules: EXIT_RULES,
  stop: "end",
};

function refuses(kernel: KernelFile): string | null {
  const reading = readElf(kernel);
  if (reading.kind === "other") return "it is not an ELF file";
  if (reading.kind === "foreign") return "it is a big-endian ELF file";
  if (reading.kind === "bad") return reading.why;
  const { elf } = reading;
  const size = loadedSize(elf);
  if (size > MOST_LOADED)
    return `its program takes ${Math.ceil(size / 2 ** 20)} MiB of its file, and ${MOST_LOADED / 2 ** 20} are the most that is looked through`;
  if (elf.bits !== 64) return "it is a 32-bit ELF file, and only 64-bit ones are supported";
  if (elf.machine !== ELF_MACHINE.x86_64) return "it is not made for x86-64";
  const header = findMultiboot(kernel.read(0, MULTIBOOT_SEARCH));
  const marked = () => hasMark(kernel, elf);
  if (!header) {
    return `it has no multiboot header in its first ${MULTIBOOT_SEARCH} bytes${marked() ? ", though it is of rumprun: it is not made for rumprun's hw platform, or was altered" : ""}`;
  }
  const trouble = multibootTrouble(header, kernel.size);
  if (trouble) return trouble;
  if (header.flags !== FLAGS)
    return `its multiboot flags are 0x${header.flags.toString(16)}, and rumprun's 0x10003`;
  return marked() ? null : "it has none of the marks of a rumprun kernel";
}

function image(kernel: KernelFile): KernelImage {
  const header = findMultiboot(kernel.read(0, MULTIBOOT_SEARCH));
  if (!header) throw new Error(`${kernel.path} has no multiboot header`);
  return multibootImage(header, kernel.size);
}

/** Bytes of a kernel's file: many times what the largest has. */
const MOST_LOADED = 1 << 29;

const loadedSize = ({ segments }: Elf): number =>
  segments.reduce((sum, { type, size }) => sum + (type === SEGMENT.load ? size : 0), 0);

function hasMark(kernel: KernelFile, elf: Elf): boolean {
  const readOnlyData = readSections(kernel, elf).find(({ name }) => name === ".rodata");
  // It is there, as a rule; one that is larger than the program is none of it.
  if (readOnlyData && readOnlyData.size <= loadedSize(elf) && isIn(kernel, readOnlyData)) return true;
  return elf.segments.some((segment) => segment.type === SEGMENT.load && isIn(kernel, segment));
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
