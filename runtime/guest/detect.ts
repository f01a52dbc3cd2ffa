import { UnikrunError } from "../error.ts";
import { ELF_MACHINE, ELF_TYPE, type Elf, readElf, SEGMENT } from "./elf.ts";
import type { GuestFamily, KernelFile } from "./guest.ts";
import { findMultiboot, MULTIBOOT_SEARCH } from "./multiboot.ts";
import { rumprun } from "./rumprun.ts";

/** Asked in this order. */
const FAMILIES: readonly GuestFamily[] = [rumprun];

export const FAMILY_NAMES: readonly string[] = FAMILIES.map(({ name }) => name);

/** Throws UnikrunError for a name that no family has. */
export function familyNamed(name: string): GuestFamily {
  const family = FAMILIES.find((each) => each.name === name);
  if (family) return family;
  throw new UnikrunError(
    `There is no unikernel family ${JSON.stringify(name)}: it can be ${FAMILIES.map((each) => each.name).join(", ")}.`,
  );
}

/** What a file is to this runtime; `why` is a clause for an error's sentence. */
export type Classification =
  | { readonly kind: "guest"; readonly family: GuestFamily }
  /** For an ordinary runtime. */
  | { readonly kind: "program" }
  /** Nothing that Linux runs by itself, but perhaps by what the host has registered for it (binfmt_misc). */
  | { readonly kind: "unknown"; readonly why: string }
  | { readonly kind: "broken"; readonly why: string };

/** Tells a unikernel from an ordinary program by the file alone, reading no more of an ordinary program than its headers. */
export function classify(kernel: KernelFile): Classification {
  const file = withHead(kernel);
  if (file.size === 0) return { kind: "broken", why: "it is empty" };
  const reading = readElf(file);
  if (reading.kind === "bad") return { kind: "broken", why: reading.why };
  if (reading.kind === "foreign") return { kind: "program" };
  const head = file.read(0, MULTIBOOT_SEARCH);
  if (reading.kind === "other") {
    if (head.toString("latin1", 0, 2) === "#!") return { kind: "program" };
    return { kind: "unknown", why: "it is neither an ELF file nor a script that begins with #!" };
  }
  const { elf } = reading;
  if (elf.type !== ELF_TYPE.executable && elf.type !== ELF_TYPE.shared) {
    return {
      kind: "broken",
      why: "it is an ELF file, but not one that can be run: an object file or a core dump",
    };
  }
  if (!findMultiboot(head) && !isPlacedAsKernel(elf)) return { kind: "program" };
  const refusals: string[] = [];
  for (const family of FAMILIES) {
    const why = family.refuses(file);
    if (why === null) return { kind: "guest", family };
    refusals.push(`not of the family ${family.name}, since ${why}`);
  }
  return { kind: "broken", why: `it is a kernel, but none that can be booted here: ${refusals.join("; ")}` };
}

/** A kernel for bare x86-64 that has lost its multiboot header, perhaps: no linker puts programs at 1 MiB of its own accord. */
function isPlacedAsKernel({ machine, segments }: Elf): boolean {
  const KERNEL_START = 0x100000;
  if (machine !== ELF_MACHINE.x86_64) return false;
  const first = segments.find(({ type }) => type === SEGMENT.load);
  return first?.address === KERNEL_START && !segments.some(({ type }) => type === SEGMENT.interpreter);
}

/** The same file, with its beginning read once. */
function withHead(kernel: KernelFile): KernelFile {
  const head = kernel.read(0, MULTIBOOT_SEARCH);
  return {
    path: kernel.path,
    size: kernel.size,
    read: (offset, length) =>
      offset + length <= head.length || head.length === kernel.size
        ? head.subarray(offset, offset + length)
        : kernel.read(offset, length),
  };
}
