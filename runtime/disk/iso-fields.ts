/** How ISO 9660 (ECMA-119) writes numbers, dates and directory records. */

/** Bytes of a logical sector and block. */
export const SECTOR = 2048;

/** Little-endian, then big-endian. */
export function writeBoth32(buffer: Buffer, offset: number, value: number): void {
  buffer.writeUInt32LE(value >>> 0, offset);
  buffer.writeUInt32BE(value >>> 0, offset + 4);
}

export function writeBoth16(buffer: Buffer, offset: number, value: number): void {
  buffer.writeUInt16LE(value, offset);
  buffer.writeUInt16BE(value, offset + 2);
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
const FIRST_DATE = Date.UTC(1900, 0);
const LAST_DATE = Date.UTC(2155, 11, 31, 23, 59, 59);

/** The nearest that can be written; UTC. */
const dateOf = (nanoseconds: bigint): Date =>
  new Date(Math.max(FIRST_DATE, Math.min(LAST_DATE, Number(nanoseconds / NANOSECONDS_PER_MILLISECOND))));

/** 7 bytes, as directory records have it. */
export function isoDate(nanoseconds: bigint): Buffer {
  const date = dateOf(nanoseconds);
  return Buffer.from([
    date.getUTCFullYear() - 1900,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0,
  ]);
}

/** 17 bytes, as the volume descriptor has it: digits to the hundredth of a second, and a zone. */
export function isoLongDate(nanoseconds: bigint): Buffer {
  const digits = dateOf(nanoseconds).toISOString().replace(/\D/g, "").slice(0, 16);
  return Buffer.from(`${digits}\0`, "latin1");
}

/** Where a record's extent and size stand in it; they are filled in when all extents have their places. */
const EXTENT_AT = 2;
const SIZE_AT = 10;

/** Fixed part of a directory record, with its plain name and the byte that makes it even. */
export const recordSize = (name: Buffer): number => 33 + name.length + (name.length % 2 === 0 ? 1 : 0);

/** Bytes of the longest record: its length is a byte, and even. */
export const LONGEST_RECORD = 254;

export interface PlainRecord {
  readonly name: Buffer;
  readonly modified: bigint;
  readonly folder: boolean;
  /** Fields of Rock Ridge. */
  readonly extra: Buffer;
}

/** Fills `buffer`, which is zero and as long as the record. */
export function writeRecord(buffer: Buffer, record: PlainRecord): void {
  const FOLDER = 2;
  buffer[0] = buffer.length;
  isoDate(record.modified).copy(buffer, 18);
  buffer[25] = record.folder ? FOLDER : 0;
  writeBoth16(buffer, 28, 1);
  buffer[32] = record.name.length;
  record.name.copy(buffer, 33);
  record.extra.copy(buffer, recordSize(record.name));
}

export function writeExtent(records: Buffer, offset: number, sector: number, size: number): void {
  writeBoth32(records, offset + EXTENT_AT, sector);
  writeBoth32(records, offset + SIZE_AT, size);
}
