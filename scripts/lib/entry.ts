/**
 * entry.ts PROGRAM CODE: makes the code of the file CODE (native/entry) what the ELF file PROGRAM runs first (elf(5)). It goes to the
 * end of the file, and the header that said where the notes are, which nobody reads when a program runs, says where that is.
 */
import { readFileSync, writeFileSync } from "node:fs";

const [program = "", code = ""] = process.argv.slice(2);
const file = readFileSync(program);
const blob = readFileSync(code);

const PAGE = 4096;
const ELF = { entry: 24, headers: 32, headerSize: 54, headerCount: 56 };
const SEGMENT = {
  type: 0,
  flags: 4,
  offset: 8,
  address: 16,
  physical: 24,
  fileSize: 32,
  memorySize: 40,
  align: 48,
};
const PT_LOAD = 1;
const PT_NOTE = 4;
const PF_READ_EXECUTE = 5;

const number = (at: number): number => Number(file.readBigUInt64LE(at));
const roundUp = (size: number): number => Math.ceil(size / PAGE) * PAGE;

if (file.readUInt32BE(0) !== 0x7f454c46 || file.readUInt16LE(18) !== 62)
  throw new Error(`${program} is no ELF file for x86-64`);
const headers = Array.from(
  { length: file.readUInt16LE(ELF.headerCount) },
  (_, i) => number(ELF.headers) + i * file.readUInt16LE(ELF.headerSize),
);
const typed = (type: number): number[] =>
  headers.filter((at) => file.readUInt32LE(at + SEGMENT.type) === type);
const loaded = typed(PT_LOAD);
const [note] = typed(PT_NOTE);
// The kernel wants what it loads in the order of the addresses.
if (note === undefined || loaded.some((at) => at > note))
  throw new Error(`${program} has no header of notes behind those of what is loaded`);

const after = blob.indexOf(Buffer.from("8877665544332211", "hex"));
if (after < 0) throw new Error(`${code} does not go on to another entry point`);
blob.writeBigUInt64LE(file.readBigUInt64LE(ELF.entry), after);

const offset = roundUp(file.length);
const address = roundUp(
  Math.max(...loaded.map((at) => number(at + SEGMENT.address) + number(at + SEGMENT.memorySize))),
);
file.writeUInt32LE(PT_LOAD, note + SEGMENT.type);
file.writeUInt32LE(PF_READ_EXECUTE, note + SEGMENT.flags);
file.writeBigUInt64LE(BigInt(offset), note + SEGMENT.offset);
for (const field of [SEGMENT.address, SEGMENT.physical]) file.writeBigUInt64LE(BigInt(address), note + field);
for (const field of [SEGMENT.fileSize, SEGMENT.memorySize])
  file.writeBigUInt64LE(BigInt(blob.length), note + field);
file.writeBigUInt64LE(BigInt(PAGE), note + SEGMENT.align);
file.writeBigUInt64LE(BigInt(address), ELF.entry);
writeFileSync(program, Buffer.concat([file, Buffer.alloc(offset - file.length), blob]));
