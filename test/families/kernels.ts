/** Kernels made up in memory: as little of an ELF file as a reader looks at. */
import type { KernelFile } from "../../runtime/guest/file/kernel-file.ts";

export interface MadeKernel extends KernelFile {
  readonly bytes: Buffer;
  /** What was read of it so far. */
  readonly fetched: { bytes: number };
}

export function fileOf(bytes: Buffer, path = "/guest.bin"): MadeKernel {
  const fetched = { bytes: 0 };
  return {
    path,
    size: bytes.length,
    bytes,
    fetched,
    read(offset, length) {
      const part = bytes.subarray(offset, offset + length);
      fetched.bytes += part.length;
      return part;
    },
  };
}

export const MARK = "_RUMPRUN_ROOTFSCFG=";

interface Making {
  readonly multiboot?: boolean;
  readonly flags?: number;
  /** In .rodata, or with `sections` false anywhere in the segment. */
  readonly text?: string;
  readonly sections?: boolean;
  readonly interpreter?: boolean;
  /** Virtual and physical address of the one segment. */
  readonly address?: number;
}

const LOAD_OFFSET = 0x1000;
const RODATA = 0x2000;
const END = 0x3000;

/** A file like rumprun's: one segment at 1 MiB from offset 0x1000, where its multiboot header is, and a .rodata. */
export function makeKernel(making: Making = {}): Buffer {
  const {
    multiboot = true,
    flags = 0x10003,
    text = MARK,
    sections = true,
    interpreter = false,
    address = 0x100000,
  } = making;
  const names = "\0.rodata\0.shstrtab\0.symtab\0.strtab\0";
  const file = Buffer.alloc(END + 1024);
  file.write("\x7fELF\x02\x01\x01", 0, "latin1");
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(62, 18);
  file.writeBigUInt64LE(BigInt(address + 0x40), 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(interpreter ? 2 : 1, 56);
  segment(file, 64, { type: 1, offset: LOAD_OFFSET, address, size: END - LOAD_OFFSET });
  if (interpreter) segment(file, 120, { type: 3, offset: RODATA, address, size: 16 });
  if (multiboot) {
    const header = [
      0x1badb002,
      flags,
      -(0x1badb002 + flags) >>> 0,
      address,
      address,
      address + END - LOAD_OFFSET,
      address + END,
      address + 0x40,
    ];
    header.forEach((value, i) => {
      file.writeUInt32LE(value, LOAD_OFFSET + 4 * i);
    });
  }
  file.write(text, RODATA + 100);
  if (!sections) return file.subarray(0, END);
  file.writeBigUInt64LE(BigInt(END), 40);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(5, 60);
  file.writeUInt16LE(2, 62);
  const symbols = END + 640;
  const strings = END + 760;
  file.write(names, END + 512, "latin1");
  file.write("\0other_main\0main\0", strings, "latin1");
  symbol(file, symbols + 24, { name: 12, address: 0x222 });
  symbol(file, symbols + 48, { name: 1, address: 0x111 });
  section(file, 1, { name: 1, type: 1, address, offset: RODATA, size: 0x1000, link: 0 });
  section(file, 2, { name: 9, type: 3, address: 0, offset: END + 512, size: names.length, link: 0 });
  section(file, 3, { name: 19, type: 2, address: 0, offset: symbols, size: 72, link: 4 });
  section(file, 4, { name: 27, type: 3, address: 0, offset: strings, size: 17, link: 0 });
  return file;
}

function segment(
  file: Buffer,
  at: number,
  header: { type: number; offset: number; address: number; size: number },
): void {
  file.writeUInt32LE(header.type, at);
  [header.offset, header.address, header.address, header.size, header.size].forEach((value, i) => {
    file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * i);
  });
}

function section(
  file: Buffer,
  index: number,
  header: { name: number; type: number; address: number; offset: number; size: number; link: number },
): void {
  const at = END + 64 * index;
  file.writeUInt32LE(header.name, at);
  file.writeUInt32LE(header.type, at + 4);
  file.writeBigUInt64LE(BigInt(header.address), at + 16);
  file.writeBigUInt64LE(BigInt(header.offset), at + 24);
  file.writeBigUInt64LE(BigInt(header.size), at + 32);
  file.writeUInt32LE(header.link, at + 40);
}

function symbol(file: Buffer, at: number, entry: { name: number; address: number }): void {
  file.writeUInt32LE(entry.name, at);
  file.writeBigUInt64LE(BigInt(entry.address), at + 8);
}

/** A copy with a few bytes changed. */
export function patched(bytes: Buffer, changes: Readonly<Record<number, readonly number[]>>): Buffer {
  const copy = Buffer.from(bytes);
  for (const [offset, values] of Object.entries(changes)) Buffer.from(values).copy(copy, Number(offset));
  return copy;
}
