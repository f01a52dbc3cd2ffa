/**
 * ISO 9660 with Rock Ridge, for trees that a guest only reads. In an image stand, in this order: the descriptors, the
 * continuation areas of Rock Ridge, the path tables, the folders, the files' data. Folders stand before the data as
 * NetBSD finds a folder by 32 bits of its offset.
 */
import { bytesOf } from "../../native/names.ts";
import { setSize, writeAt } from "../../native/tree-files.ts";
import { UnikrunError } from "../error.ts";
import { copyContent, spansOf } from "./content.ts";
import { Growing } from "./growing.ts";
import { LONGEST_RECORD, recordSize, SECTOR, writeExtent, writeRecord } from "./iso-fields.ts";
import {
  DESCRIPTORS,
  type Extent,
  type FolderExtent,
  HERE,
  pathRecordSize,
  pathTable,
  writeDescriptors,
} from "./iso-volume.ts";
import { announcement, Continuations, fieldsOf, rules } from "./rock-ridge.ts";
import { type Entry, type Folder, type RegularFile, sorted } from "./tree.ts";

interface FileExtent extends Extent {
  readonly file: RegularFile;
}

interface Names {
  /** Of files with several names. */
  readonly links: ReadonlyMap<string, number>;
  readonly newest: bigint;
}

/** The first one behind the descriptors. */
const CONTINUATIONS = DESCRIPTORS + 2;
/** Host file systems share blocks of this many bytes, never less. */
const ALIGNMENT = 4096;
const MOST_BYTES = 0xffff_ffff;
const MOST_NAME_BYTES = 255;
const ABOVE = Buffer.from([1]);

/**
 * Writes an image into an open file, in place of what it has. The same tree gives the same bytes. Throws a UnikrunError for what
 * ISO 9660 can't hold (a file from 4 GiB on, a name of more than 255 bytes) and for files that can't be read.
 */
export function writeIso(tree: Folder, fd: number): void {
  const continuations = new Continuations(CONTINUATIONS);
  const names = surveyed(tree);
  const files = new Map<string | RegularFile, FileExtent>();
  const folders = layFolders(tree, continuations, names, files);
  const tables = sectorsOf(folders.reduce((sum, folder) => sum + pathRecordSize(folder), 0));
  const firstTable = CONTINUATIONS + sectorsOf(continuations.bytes.length);
  let next = firstTable + 2 * tables;
  for (const folder of folders) {
    folder.sector = next;
    next += sectorsOf(folder.size);
  }
  for (const file of files.values()) {
    file.sector = next = aligned(next);
    next += sectorsOf(file.size);
  }
  const sectors = aligned(next);
  if (sectors > MOST_BYTES)
    throw new UnikrunError(
      "The files for a read-only disk are more than 8 TiB, which ISO 9660 can't hold: leave some out.",
    );
  setSize(fd, 0);
  setSize(fd, sectors * SECTOR);
  writeDescriptors(fd, folders, { sectors, firstTable, tables, newest: names.newest });
  writeAt(fd, continuations.bytes, CONTINUATIONS * SECTOR);
  writeAt(fd, pathTable(folders, "little"), firstTable * SECTOR);
  writeAt(fd, pathTable(folders, "big"), (firstTable + tables) * SECTOR);
  for (const folder of folders) {
    for (const { offset, extent } of folder.waiting)
      writeExtent(folder.records, offset, extent.sector, extent.size);
    writeAt(fd, folder.records, folder.sector * SECTOR);
  }
  writeFiles(fd, files.values());
}

const sectorsOf = (bytes: number): number => Math.ceil(bytes / SECTOR);
const aligned = (sector: number): number => Math.ceil(sector / (ALIGNMENT / SECTOR)) * (ALIGNMENT / SECTOR);

/** What must be known of the whole tree before its first record is written. */
function surveyed(tree: Folder): Names {
  const links = new Map<string, number>();
  let newest = tree.modified;
  const folders = [tree];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    for (const entry of folder.entries.values()) {
      if (entry.modified > newest) newest = entry.modified;
      if (entry.kind === "folder") folders.push(entry);
      else if (entry.kind === "file" && entry.identity !== undefined)
        links.set(entry.identity, (links.get(entry.identity) ?? 0) + 1);
    }
  }
  return { links, newest };
}

/** The folders in the order of the path table (by depth, parent, name), with their records. */
function layFolders(
  tree: Folder,
  continuations: Continuations,
  { links }: Names,
  files: Map<string | RegularFile, FileExtent>,
): FolderExtent[] {
  const root = folderExtent(tree, "", HERE, null, 1);
  const folders = [root];
  for (const current of folders) {
    const records = new Growing(SECTOR);
    const above = current.parent ?? current;
    const add = (name: Buffer, entry: Entry, fields: Buffer[], extent: Extent | null, path = ""): void => {
      const extra = continuations.place(fields, LONGEST_RECORD - recordSize(name));
      if (!extra)
        throw new UnikrunError(
          `The link ${JSON.stringify(path)} has a longer target than a read-only disk can hold: shorten it, or leave it out.`,
        );
      const size = recordSize(name) + extra.length + (extra.length % 2);
      const left = SECTOR - (records.length % SECTOR);
      if (size > left) records.add(left);
      const offset = records.length;
      writeRecord(records.add(size), {
        name,
        modified: entry.modified,
        folder: entry.kind === "folder",
        extra,
      });
      if (extent) current.waiting.push({ offset, extent });
    };
    const own = fieldsOf(current.folder, folderLinks(current.folder), undefined);
    add(HERE, current.folder, current === root ? [announcement(), ...own, rules()] : own, current);
    add(ABOVE, above.folder, fieldsOf(above.folder, folderLinks(above.folder), undefined), above);
    const entries = sorted(current.folder);
    let index = 0;
    for (const [name, entry] of entries.filter(([, { kind }]) => kind === "folder")) {
      if (entry.kind !== "folder") continue;
      const path = `${current.path}/${name}`;
      const plain = Buffer.from(`D${String(index++).padStart(7, "0")}`, "latin1");
      const extent = folderExtent(entry, path, plain, current, folders.length + 1);
      folders.push(extent);
      add(plain, entry, fieldsOf(entry, folderLinks(entry), nameBytes(name, path)), extent, path);
    }
    for (const [name, entry] of entries) {
      if (entry.kind === "folder") continue;
      const path = `${current.path}/${name}`;
      const plain = Buffer.from(`F${String(index++).padStart(7, "0")}.;1`, "latin1");
      const count = entry.kind === "file" && entry.identity !== undefined ? links.get(entry.identity) : 1;
      const extent = entry.kind === "file" ? fileExtent(entry, path, files) : null;
      add(plain, entry, fieldsOf(entry, count ?? 1, nameBytes(name, path)), extent, path);
    }
    const left = (SECTOR - (records.length % SECTOR)) % SECTOR;
    records.add(left);
    current.records = records.bytes;
    current.size = records.length;
  }
  return folders;
}

function folderExtent(
  folder: Folder,
  path: string,
  name: Buffer,
  parent: FolderExtent | null,
  number: number,
): FolderExtent {
  return { folder, path, name, parent, number, records: name, waiting: [], sector: 0, size: 0 };
}

function folderLinks(folder: Folder): number {
  let count = 2;
  for (const { kind } of folder.entries.values()) if (kind === "folder") count++;
  return count;
}

function nameBytes(name: string, path: string): Buffer {
  const bytes = bytesOf(name);
  if (bytes.length > MOST_NAME_BYTES)
    throw new UnikrunError(
      `The name of ${JSON.stringify(path)} has ${bytes.length} bytes, and a disk's file system takes 255: shorten it.`,
    );
  return bytes;
}

/** Null for an empty file, which has no data and so no place. */
function fileExtent(
  file: RegularFile,
  path: string,
  files: Map<string | RegularFile, FileExtent>,
): FileExtent | null {
  if (file.size > MOST_BYTES)
    throw new UnikrunError(
      `${JSON.stringify(path)} is larger than 4 GiB - 1, which ISO 9660 can't hold: mount its folder read-write, or leave the file out.`,
    );
  if (file.size === 0) return null;
  const key = file.identity ?? file;
  const extent = files.get(key) ?? { file, sector: 0, size: file.size };
  files.set(key, extent);
  return extent;
}

function writeFiles(fd: number, files: Iterable<FileExtent>): void {
  for (const { file, sector } of files) {
    const spans = spansOf(file).map((span) => ({ ...span, place: sector * SECTOR + span.start }));
    copyContent(file, fd, spans);
  }
}
