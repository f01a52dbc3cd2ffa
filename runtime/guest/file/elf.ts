/** As much of ELF (elf(5)) as tells kernels from programs. */
import type { KernelFile } from "./kernel-file.ts";

export interface Elf {
  readonly bits: 32 | 64;
  readonly type: number;
  readonly machine: number;
  /** EI_OSABI: 0 for most, 255 for what needs no operating system. */
  readonly osAbi: number;
  /** Virtual address. */
  readonly entry: number;
  /** The program headers. */
  readonly segments: readonly Segment[];
  readonly sectionTable: Table;
  /** Which of `sectionTable` has the names. */
  readonly names: number;
}

export interface Segment {
  readonly type: number;
  readonly offset: number;
  /** Virtual. */
  readonly address: number;
  readonly physical: number;
  /** Bytes in the file. */
  readonly size: number;
  /** Bytes in memory. */
  readonly memory: number;
}

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  /** For symbol tables: which section has the symbols' names. */
  readonly link: number;
}

interface Table {
  readonly offset: number;
  readonly entrySize: number;
  readonly count: number;
}

/** `why` is a clause for an error's sentence. */
export type ElfReading =
  | { readonly kind: "elf"; readonly elf: Elf }
  | { readonly kind: "other" }
  /** ELF of the other byte order. */
  | { readonly kind: "foreign" }
  | { readonly kind: "bad"; readonly why: string };

export const ELF_TYPE = { executable: 2, shared: 3 };
export const ELF_MACHINE = { i386: 3, x86_64: 62 };
export const OS_ABI = { standalone: 255 };
export const SEGMENT = { load: 1, interpreter: 3, note: 4 };
const SECTION = { noBits: 8, symbols: 2 };

const bad = (why: string): ElfReading => ({ kind: "bad", why });

/** Reads the header and the program headers. */
export function readElf(file: KernelFile): ElfReading {
  const header = file.read(0, 64);
  if (header.toString("latin1", 0, 4) !== "\x7fELF") return { kind: "other" };
  if (header.length < 64)
    return bad(`it is truncated: it ends within its ELF header, after ${file.size} bytes`);
  const bits = header[4] === 1 ? 32 : header[4] === 2 ? 64 : undefined;
  if (bits === undefined) return bad("its ELF header has no valid class");
  if (header[5] !== 1) return { kind: "foreign" };
  const wide = bits === 64;
  const segments = readSegments(file, wide ? tableAt(header, 32, 54) : smallTableAt(header, 28, 42), wide);
  if (typeof segments === "string") {
    // A 32-bit file is a kernel only if its headers are sound, and for whoever runs it otherwise.
    if (wide) return bad(segments);
  }
  const elf: Elf = {
    bits,
    type: header.readUInt16LE(16),
    machine: header.readUInt16LE(18),
    osAbi: header.readUInt8(7),
    entry: wide ? word(header, 24) : header.readUInt32LE(24),
    segments: typeof segments === "string" ? [] : segments,
    sectionTable: wide ? tableAt(header, 40, 58) : smallTableAt(header, 32, 46),
    names: header.readUInt16LE(wide ? 62 : 50),
  };
  return { kind: "elf", elf };
}

/** Of a file that was known as one. */
export function elfOf(file: KernelFile): Elf {
  const reading = readElf(file);
  if (reading.kind === "elf") return reading.elf;
  throw new Error(`${file.path} is no ELF file`);
}

/** Values past 2^53 are in no sound file, and lie past its end whatever they become. */
const word = (buffer: Buffer, offset: number): number => Number(buffer.readBigUInt64LE(offset));

const tableAt = (header: Buffer, offsetAt: number, sizeAt: number): Table => ({
  offset: word(header, offsetAt),
  entrySize: header.readUInt16LE(sizeAt),
  count: header.readUInt16LE(sizeAt + 2),
});

const smallTableAt = (header: Buffer, offsetAt: number, sizeAt: number): Table => ({
  offset: header.readUInt32LE(offsetAt),
  entrySize: header.readUInt16LE(sizeAt),
  count: header.readUInt16LE(sizeAt + 2),
});

/** Null where the table does not lie within the file, or has other entries than the format's. */
function readTable(file: KernelFile, table: Table, entrySize: number): Buffer[] | null {
  if (table.count === 0) return [];
  const length = table.entrySize * table.count;
  if (table.entrySize !== entrySize || table.offset + length > file.size) return null;
  const bytes = file.read(table.offset, length);
  return Array.from({ length: table.count }, (_, i) =>
    bytes.subarray(i * table.entrySize, (i + 1) * table.entrySize),
  );
}

function readSegments(file: KernelFile, table: Table, wide: boolean): Segment[] | string {
  const entries = readTable(file, table, wide ? 56 : 32);
  if (!entries)
    return `it is truncated or damaged: its program headers are not within its ${file.size} bytes`;
  const segments = entries.map(wide ? segmentOf : smallSegmentOf);
  const end = Math.max(
    0,
    ...segments.filter(({ type }) => type === SEGMENT.load).map((each) => each.offset + each.size),
  );
  if (end > file.size) return `it is truncated: it has ${file.size} bytes, and its program takes ${end}`;
  return segments;
}

const segmentOf = (entry: Buffer): Segment => ({
  type: entry.readUInt32LE(0),
  offset: word(entry, 8),
  address: word(entry, 16),
  physical: word(entry, 24),
  size: word(entry, 32),
  memory: word(entry, 40),
});

const smallSegmentOf = (entry: Buffer): Segment => {
  const [type = 0, offset = 0, address = 0, physical = 0, size = 0, memory = 0] = [0, 4, 8, 12, 16, 20].map(
    (at) => entry.readUInt32LE(at),
  );
  return { type, offset, address, physical, size, memory };
};

/** Empty where the file has no sections, or none that can be read: a program runs without. */
export function readSections(file: KernelFile, elf: Elf): Section[] {
  const wide = elf.bits === 64;
  const entries = readTable(file, elf.sectionTable, wide ? 64 : 40) ?? [];
  const raw = entries.map((entry) => ({
    nameAt: entry.readUInt32LE(0),
    type: entry.readUInt32LE(4),
    ...(wide
      ? {
          address: word(entry, 16),
          offset: word(entry, 24),
          size: word(entry, 32),
          link: entry.readUInt32LE(40),
        }
      : {
          address: entry.readUInt32LE(12),
          offset: entry.readUInt32LE(16),
          size: entry.readUInt32LE(20),
          link: entry.readUInt32LE(24),
        }),
  }));
  const names = sectionBytes(file, raw[elf.names]);
  return raw.map(({ nameAt, ...section }) => ({ name: textAt(names, nameAt), ...section }));
}

/** Bytes of names, symbols and tables: a file may claim any size, and have holes. */
const LONGEST = 1 << 26;

/** What a section has in the file; empty where that is nothing, not within the file, or more than anybody needs. */
export function sectionBytes(file: KernelFile, section: Omit<Section, "name"> | undefined): Buffer {
  if (!section || section.type === SECTION.noBits || section.offset + section.size > file.size)
    return Buffer.alloc(0);
  if (section.size > LONGEST) return Buffer.alloc(0);
  return file.read(section.offset, section.size);
}

/** Bytes of a name that anybody looks for, with its NUL: all may lie in the same text, and that be long. */
const LONGEST_NAME = 256;

function textAt(bytes: Buffer, offset: number): string {
  const text = bytes.subarray(offset, offset + LONGEST_NAME);
  const end = text.indexOf(0);
  return end < 0 ? "" : text.toString("latin1", 0, end);
}

/** The address of a symbol; undefined where there is no such symbol, as in a stripped file. */
export function symbolAddress(
  file: KernelFile,
  sections: readonly Section[],
  name: string,
): number | undefined {
  const ENTRY = 24;
  const table = sections.find(({ type }) => type === SECTION.symbols);
  if (!table) return undefined;
  const names = sectionBytes(file, sections[table.link]);
  const symbols = sectionBytes(file, table);
  // A name may end another one, so each place that it stands at may be the one.
  const wanted = Buffer.from(`${name}\0`, "latin1");
  for (let at = names.indexOf(wanted); at >= 0; at = names.indexOf(wanted, at + 1)) {
    for (let offset = 0; offset + ENTRY <= symbols.length; offset += ENTRY) {
      if (symbols.readUInt32LE(offset) === at) return word(symbols, offset + 8);
    }
  }
  return undefined;
}
