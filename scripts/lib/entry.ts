/**
 * entry.ts PROGRAM CODE: makes the code of the file CODE (native/entry/entry.c) what the ELF file PROGRAM runs first. It goes into
 * the zeros that lie between the pieces of the file on the first page of its code, which is mapped anyway (elf(5)).
 */
import { readFileSync, writeFileSync } from "node:fs";

const [program = "", code = ""] = process.argv.slice(2);
const file = readFileSync(program);
const blob = readFileSync(code);

const PAGE = 4096;
const ELF = { entry: 24, headers: 32, headerSize: 54, headerCount: 56 };
const SEGMENT = { type: 0, flags: 4, offset: 8, address: 16, physical: 24, fileSize: 32, memorySize: 40 };
const PT_LOAD = 1;
const PF_X = 1;

const number = (at: number): number => Number(file.readBigUInt64LE(at));
const add = (at: number, change: number): number => file.writeBigInt64LE(BigInt(number(at) + change), at);

if (file.readUInt32BE(0) !== 0x7f454c46 || file.readUInt16LE(18) !== 62)
  throw new Error(`${program} is no ELF file for x86-64`);
const loaded = Array.from(
  { length: file.readUInt16LE(ELF.headerCount) },
  (_, i) => number(ELF.headers) + i * file.readUInt16LE(ELF.headerSize),
).filter((at) => file.readUInt32LE(at + SEGMENT.type) === PT_LOAD);
const text = loaded.find((at) => file.readUInt32LE(at + SEGMENT.flags) & PF_X);
if (text === undefined) throw new Error(`${program} has no code`);

const end = number(text + SEGMENT.offset);
const start = Math.max(
  Math.floor(end / PAGE) * PAGE,
  ...loaded
    .map((at) => number(at + SEGMENT.offset) + number(at + SEGMENT.fileSize))
    .filter((at) => at <= end),
);
const place = Math.floor((end - blob.length) / 16) * 16;
if (place < start || file.subarray(place, end).some((byte) => byte !== 0))
  throw new Error(`${program} has no room for ${blob.length} bytes before its code, at ${place}`);

const after = blob.indexOf(Buffer.from("8877665544332211", "hex"));
if (after < 0) throw new Error(`${code} does not go on to another entry point`);
blob.writeBigUInt64LE(file.readBigUInt64LE(ELF.entry), after);
blob.copy(file, place);
const grown = end - place;
file.writeBigUInt64LE(BigInt(number(text + SEGMENT.address) - grown), ELF.entry);
for (const field of [SEGMENT.offset, SEGMENT.address, SEGMENT.physical]) add(text + field, -grown);
for (const field of [SEGMENT.fileSize, SEGMENT.memorySize]) add(text + field, grown);
writeFileSync(program, file);
