import { UnikrunError } from "../error.ts";
import { ELF_MACHINE, ELF_TYPE, OS_ABI, SEGMENT } from "./file/elf.ts";
import type { KernelFile } from "./file/kernel-file.ts";
import { type Marks, readMarks } from "./file/marks.ts";
import { XEN_ENTRY } from "./file/notes.ts";
import type { GuestFamily, Recognition } from "./guest.ts";
import { hermit } from "./hermit.ts";
import { linux } from "./linux.ts";
import { nanos } from "./nanos.ts";
import { osv } from "./osv.ts";
import { rumprun } from "./rumprun.ts";
import { solo5 } from "./solo5.ts";
import { solo5Hvt, solo5Spt } from "./solo5-tenders.ts";
import { unikraft } from "./unikraft.ts";

/** Asked in this order, so those come first whose marks nobody else has; rumprun reads all of a file. */
export const FAMILIES: readonly GuestFamily[] = [
  solo5,
  solo5Spt,
  solo5Hvt,
  unikraft,
  hermit,
  osv,
  linux,
  nanos,
  rumprun,
];

export const FAMILY_NAMES: readonly string[] = FAMILIES.map(({ name }) => name);

/** Throws UnikrunError for a name that no family has. */
export function familyNamed(name: string): GuestFamily {
  const family = FAMILIES.find((each) => each.name === name);
  if (family) return family;
  throw new UnikrunError(
    `There is no unikernel family ${JSON.stringify(name)}: it can be ${FAMILY_NAMES.join(", ")}.`,
  );
}

/** What a file is to this runtime; `why` is a clause for an error's sentence. */
export type Classification =
  | { readonly kind: "guest"; readonly family: GuestFamily; readonly recognition: Recognition }
  /** For an ordinary runtime. */
  | { readonly kind: "program" }
  /** Nothing that Linux runs by itself, but perhaps by what the host has registered for it (binfmt_misc). */
  | { readonly kind: "unknown"; readonly why: string }
  /** `family`: of which it is, but can't be booted. */
  | { readonly kind: "broken"; readonly why: string; readonly family?: string };

/** Tells a unikernel from an ordinary program by the file alone, reading no more of an ordinary program than its headers. */
export function classify(kernel: KernelFile): Classification {
  if (kernel.size === 0) return { kind: "broken", why: "it is empty" };
  const reading = readMarks(kernel);
  if (reading.kind === "bad") return { kind: "broken", why: reading.why };
  if (reading.kind === "foreign") return { kind: "program" };
  const { marks } = reading;
  if (marks.elf && !isRunnable(marks.elf.type))
    return {
      kind: "broken",
      why: "it is an ELF file, but not one that can be run: an object file or a core dump",
    };
  const clue = clueOf(marks);
  if (marks.elf && clue === null) return { kind: "program" };
  for (const family of FAMILIES) {
    const recognition = family.recognizes(marks);
    if (!recognition) continue;
    if (recognition.refusal === undefined) return { kind: "guest", family, recognition };
    return {
      kind: "broken",
      family: family.name,
      why: `it is of the family ${family.name}, but ${recognition.refusal}`,
    };
  }
  if (clue !== null)
    return {
      kind: "broken",
      why: `it is a kernel (${clue}), and has the marks of none of the families ${FAMILY_NAMES.join(", ")}`,
    };
  if (marks.head.toString("latin1", 0, 2) === "#!") return { kind: "program" };
  if (marks.disk?.format === "qcow2")
    return {
      kind: "broken",
      why: `it is a disk image, and has the marks of none of the families ${FAMILY_NAMES.join(", ")}`,
    };
  return {
    kind: "unknown",
    why: "it is neither an ELF file nor a script that begins with #!, nor a disk or a kernel of a known kind",
  };
}

const isRunnable = (type: number): boolean => type === ELF_TYPE.executable || type === ELF_TYPE.shared;

/** Notes that only kernels have. */
const OWNERS: Readonly<Record<string, (type: number) => boolean>> = {
  Solo5: () => true,
  HERMIT: () => true,
  Xen: (type) => type === XEN_ENTRY,
};

/** What shows that an ELF file is none of Linux's programs, which no family need know; null where nothing does. */
function clueOf({ elf, multiboot, notes, interpreter }: Marks): string | null {
  if (!elf) return null;
  const note = notes.find(({ owner, type }) => Object.hasOwn(OWNERS, owner) && OWNERS[owner]?.(type));
  if (note) return `it has a note of ${note.owner}`;
  if (interpreter?.startsWith("/nonexistent/")) return `its interpreter is ${JSON.stringify(interpreter)}`;
  if (elf.osAbi === OS_ABI.standalone) return "it is for no operating system";
  if (multiboot) return "it has a multiboot header";
  if (elf.machine !== ELF_MACHINE.x86_64 || interpreter !== undefined) return null;
  const loaded = elf.segments.filter(({ type }) => type === SEGMENT.load);
  // No linker puts programs at 1 MiB of its own accord, and the upper half of addresses is the kernel's.
  if (loaded[0]?.address === KERNEL_START) return "it begins at 1 MiB, and has no multiboot header";
  return loaded.some(({ address }) => address >= UPPER_HALF) ? "it is placed where only kernels are" : null;
}

const KERNEL_START = 0x100000;
const UPPER_HALF = 2 ** 63;
