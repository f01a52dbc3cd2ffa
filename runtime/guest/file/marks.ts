/** All by which a unikernel's file is known, read once for every family. */
import { type DiskImage, readDisk } from "./disk-image.ts";
import { type Elf, readElf, readSections, SEGMENT, type Section } from "./elf.ts";
import type { KernelFile } from "./kernel-file.ts";
import { findMultiboot, MULTIBOOT_SEARCH, type MultibootHeader } from "./multiboot.ts";
import { type Note, readNotes } from "./notes.ts";

export interface Marks {
  readonly file: KernelFile;
  /** The file's first 8 KiB, or all of a smaller one. */
  readonly head: Buffer;
  /** Absent where it is no ELF file. */
  readonly elf?: Elf;
  readonly notes: readonly Note[];
  /** PT_INTERP: what Linux would have load the program. */
  readonly interpreter?: string;
  readonly multiboot?: MultibootHeader;
  /** Absent where it is no disk image. */
  readonly disk?: DiskImage;
  /** None of a stripped file's but those that its maker keeps. */
  sections(): readonly Section[];
}

/** `why` is a clause for an error's sentence. */
export type Reading =
  | { readonly kind: "marks"; readonly marks: Marks }
  /** ELF of the other byte order. */
  | { readonly kind: "foreign" }
  | { readonly kind: "bad"; readonly why: string };

export function readMarks(kernel: KernelFile): Reading {
  const file = withHead(kernel);
  const head = file.read(0, MULTIBOOT_SEARCH);
  const multiboot = findMultiboot(head);
  const common = { file, head, ...(multiboot ? { multiboot } : {}) };
  const reading = readElf(file);
  switch (reading.kind) {
    case "bad":
    case "foreign":
      return reading;
    case "other": {
      const found = readDisk(file);
      if (found.kind === "bad") return found;
      const disk = found.kind === "disk" ? { disk: found.disk } : {};
      return { kind: "marks", marks: { ...common, ...disk, notes: [], sections: () => [] } };
    }
    case "elf": {
      const { elf } = reading;
      const interpreter = interpreterOf(file, elf);
      let sections: readonly Section[] | undefined;
      const marks: Marks = {
        ...common,
        elf,
        notes: readNotes(file, elf),
        ...(interpreter === undefined ? {} : { interpreter }),
        sections() {
          sections ??= readSections(file, elf);
          return sections;
        },
      };
      return { kind: "marks", marks };
    }
  }
}

function interpreterOf(file: KernelFile, { segments }: Elf): string | undefined {
  const PATH_MAX = 4096;
  const segment = segments.find(({ type }) => type === SEGMENT.interpreter);
  return (
    segment &&
    file.read(segment.offset, Math.min(segment.size, PATH_MAX)).toString("latin1").replace(/\0.*$/s, "")
  );
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
