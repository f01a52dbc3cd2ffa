/** What describes an ISO 9660 volume as a whole: its descriptor and the tables of its folders. */
import { writeAt } from "../../native/tree-files.ts";
import { Growing } from "./growing.ts";
import { isoLongDate, SECTOR, writeBoth16, writeBoth32, writeExtent, writeRecord } from "./iso-fields.ts";
import type { Folder } from "./tree.ts";

/** The first sector with a descriptor. */
export const DESCRIPTORS = 16;
/** The plain name of a folder in itself. */
export const HERE = Buffer.from([0]);

/** Something with a place in the image, known when all sizes are. */
export interface Extent {
  sector: number;
  /** Bytes. */
  size: number;
}

export interface FolderExtent extends Extent {
  readonly folder: Folder;
  readonly path: string;
  readonly name: Buffer;
  readonly parent: FolderExtent | null;
  /** In the path table, from 1. */
  readonly number: number;
  records: Buffer;
  /** Which records wait for an extent, and whose. */
  readonly waiting: { readonly offset: number; readonly extent: Extent }[];
}

export interface Layout {
  readonly sectors: number;
  readonly firstTable: number;
  /** Sectors of each of the two path tables. */
  readonly tables: number;
  readonly newest: bigint;
}

/** Writes the volume's descriptor and the mark behind it. */
export function writeDescriptors(fd: number, folders: readonly FolderExtent[], layout: Layout): void {
  const [root] = folders;
  if (!root) return;
  const TEXTS = [
    [8, 64],
    [190, 623],
    [702, 813],
  ] as const;
  const NO_DATE = Buffer.from("0000000000000000\0", "latin1");
  const primary = Buffer.alloc(SECTOR);
  primary.write("\x01CD001\x01", 0, "latin1");
  for (const [from, to] of TEXTS) primary.fill(" ", from, to + 1);
  primary.write("UNIKRUN", 40, "latin1");
  primary.fill(" ", 47, 72);
  writeBoth32(primary, 80, layout.sectors);
  writeBoth16(primary, 120, 1);
  writeBoth16(primary, 124, 1);
  writeBoth16(primary, 128, SECTOR);
  writeBoth32(primary, 132, pathTable(folders, "little").length);
  primary.writeUInt32LE(layout.firstTable, 140);
  primary.writeUInt32BE(layout.firstTable + layout.tables, 148);
  const record = primary.subarray(156, 190);
  writeRecord(record, { name: HERE, modified: root.folder.modified, folder: true, extra: Buffer.alloc(0) });
  writeExtent(record, 0, root.sector, root.size);
  const date = isoLongDate(layout.newest);
  for (const [at, value] of [
    [813, date],
    [830, date],
    [847, NO_DATE],
    [864, NO_DATE],
  ] as const)
    value.copy(primary, at);
  primary[881] = 1;
  const last = Buffer.alloc(SECTOR);
  last.write("\xffCD001\x01", 0, "latin1");
  writeAt(fd, Buffer.concat([primary, last]), DESCRIPTORS * SECTOR);
}

export const pathRecordSize = ({ name }: FolderExtent): number => 8 + name.length + (name.length % 2);

/** One of the two tables of folders: numbers in one byte order or the other. */
export function pathTable(folders: readonly FolderExtent[], order: "little" | "big"): Buffer {
  // Folders past the 65,535th can't be told as parents; neither Linux nor NetBSD looks here.
  const MOST_NUMBER = 0xffff;
  const table = new Growing(SECTOR);
  for (const folder of folders) {
    const record = table.add(pathRecordSize(folder));
    const parent = Math.min(folder.parent?.number ?? 1, MOST_NUMBER);
    record[0] = folder.name.length;
    if (order === "little") {
      record.writeUInt32LE(folder.sector, 2);
      record.writeUInt16LE(parent, 6);
    } else {
      record.writeUInt32BE(folder.sector, 2);
      record.writeUInt16BE(parent, 6);
    }
    folder.name.copy(record, 8);
  }
  return table.bytes;
}
