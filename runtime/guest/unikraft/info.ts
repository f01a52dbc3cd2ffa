/** What a Unikraft kernel says of itself: its version, and the parameters that it was built to take. */
import type { Elf, Section } from "../file/elf.ts";
import { sectionBytes } from "../file/elf.ts";
import type { KernelFile } from "../file/kernel-file.ts";
import { LoadedProgram } from "../file/loaded-program.ts";

/** Records of lib/uklibid's include/uk/libid/info.h. */
const RECORD = { version: 6, fullVersion: 7 };

/**
 * Of headers (a 32-bit length, and 16 bits of the layout's version) that each have records (a 16-bit type, a 32-bit length, and the rest).
 * Undefined where none has a version.
 */
export function unikraftVersion(file: KernelFile, section: Section): string | undefined {
  const bytes = sectionBytes(file, section);
  for (let at = 0; at + 6 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < 6) return undefined;
    const end = Math.min(at + length, bytes.length);
    for (let record = at + 6; record + 6 <= end; ) {
      const [type, size] = [bytes.readUInt16LE(record), bytes.readUInt32LE(record + 2)];
      if (size < 6 || record + size > end) break;
      const text = bytes.toString("latin1", record + 6, record + size).replace(/\0.*$/s, "");
      if ((type === RECORD.version || type === RECORD.fullVersion) && /^[\w.~+-]{1,64}$/.test(text))
        return text;
      record += size;
    }
    at += length;
  }
  return undefined;
}

/** A parameter's description, by which it is found: the names are too short to be told from other text. */
const DESCRIPTIONS = {
  "env.vars": "Environment variables\0",
  "netdev.ip": "IPv4 einfo: cidr[",
  "vfs.fstab": "Automount table: dev:path:fs",
} as const;

type Parameter = keyof typeof DESCRIPTIONS;

/** In front of the word for a parameter's number of values stands its name. */
const SEPARATOR = " x ";

/**
 * For each parameter that the kernel has its name, and how many values that takes: "env.vars x 8". Empty where nothing can be told, as of
 * kernels that find their own place in memory.
 */
export function parameterWords(kernel: KernelFile, elf: Elf): ReadonlySet<string> {
  const program = new LoadedProgram(kernel, elf);
  const words = (Object.keys(DESCRIPTIONS) as Parameter[]).flatMap((name) => {
    const count = countOf(program, DESCRIPTIONS[name]);
    return count === undefined ? [] : [`${name}${SEPARATOR}${count}`];
  });
  return new Set(words);
}

/** Whether it brings its own files, which a table of ours would hide: what it mounts then is named in it. */
export const hasOwnFiles = (kernel: KernelFile, elf: Elf): boolean =>
  find(new LoadedProgram(kernel, elf), Buffer.from("\0embedded\0"), 1) !== undefined;

/** Undefined where the kernel does not have it, or nothing is known. */
export function valuesOf(words: ReadonlySet<string> | undefined, name: Parameter): number | undefined {
  const found = [...(words ?? [])].find((word) => word.startsWith(`${name}${SEPARATOR}`));
  return found === undefined ? undefined : Number(found.slice(name.length + SEPARATOR.length));
}

/** lib/uklibparam's struct has a pointer to the description, a type of 32 bits, padding, and how many values there can be. */
function countOf(program: LoadedProgram, description: string): number | undefined {
  const place = find(program, Buffer.from(description, "latin1"), 1);
  // Nothing of a sound kernel is at an address that a number can't have.
  if (place === undefined || !Number.isSafeInteger(place)) return undefined;
  const pointer = Buffer.alloc(8);
  pointer.writeBigUInt64LE(BigInt(place));
  const found = find(program, pointer, 8);
  const count = found === undefined ? null : program.bytesAt(found + 16, 8);
  return count ? Number(count.readBigUInt64LE()) : undefined;
}

/** At an address that is a multiple of `step`. */
function find(program: LoadedProgram, wanted: Buffer, step: number): number | undefined {
  for (const { address, bytes } of program.pieces(wanted.length)) {
    for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1))
      if ((address + at) % step === 0) return address + at;
  }
  return undefined;
}
