/**
 * Rock Ridge (RRIP 1991A, on SUSP 1.12): what POSIX knows of a file and ISO 9660 does not, as fields behind a directory
 * record. What does not fit there goes on in a continuation area.
 */

import { bytesOf } from "../../native/names.ts";
import { TYPE_BITS } from "../../native/tree-files.ts";
import { Growing } from "./growing.ts";
import { isoDate, SECTOR, writeBoth32 } from "./iso-fields.ts";
import type { Entry } from "./tree.ts";

const CONTINUES = 1;
/** Bytes of a "CE" field, which leads to a continuation area. */
const CE_SIZE = 28;
const MOST_IN_FIELD = 255;

/** The fields of an entry, in order; `name` is undefined for "." and "..". */
export function fieldsOf(entry: Entry, links: number, name: Buffer | undefined): Buffer[] {
  const fields = [attributes(entry, links), times(entry)];
  if (name) fields.push(...nameFields(name));
  if (entry.kind === "link") fields.push(...linkFields(entry.target));
  if (entry.kind === "character" || entry.kind === "block") fields.push(device(entry.major, entry.minor));
  return fields;
}

/** What stands before the fields of the root's ".": that there are such fields. */
export function announcement(): Buffer {
  return Buffer.from([0x53, 0x50, 7, 1, 0xbe, 0xef, 0]);
}

/** What stands behind the fields of the root's ".": by which rules they are written. */
export function rules(): Buffer {
  const id = "RRIP_1991A";
  const what = "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS";
  const source =
    "PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION.";
  const field = newField("ER", 8 + id.length + what.length + source.length);
  field[4] = id.length;
  field[5] = what.length;
  field[6] = source.length;
  field[7] = 1;
  field.write(id + what + source, 8, "latin1");
  return field;
}

function newField(type: string, size: number): Buffer {
  const field = Buffer.alloc(size);
  field.write(type, 0, "latin1");
  field[2] = size;
  field[3] = 1;
  return field;
}

function attributes(entry: Entry, links: number): Buffer {
  const field = newField("PX", 36);
  writeBoth32(field, 4, TYPE_BITS[entry.kind] | entry.mode);
  writeBoth32(field, 12, links);
  writeBoth32(field, 20, entry.uid);
  writeBoth32(field, 28, entry.gid);
  return field;
}

function times(entry: Entry): Buffer {
  const MODIFIED = 2;
  const field = newField("TF", 12);
  field[4] = MODIFIED;
  isoDate(entry.modified).copy(field, 5);
  return field;
}

function device(major: number, minor: number): Buffer {
  const field = newField("PN", 20);
  writeBoth32(field, 4, major);
  writeBoth32(field, 12, minor);
  return field;
}

function nameFields(name: Buffer): Buffer[] {
  // A second piece of less than this makes room in the record for the first.
  const MOST = 128;
  const fields: Buffer[] = [];
  for (let at = 0; at < name.length; at += MOST) {
    const piece = name.subarray(at, at + MOST);
    const field = newField("NM", 5 + piece.length);
    field[4] = at + MOST < name.length ? CONTINUES : 0;
    piece.copy(field, 5);
    fields.push(field);
  }
  return fields;
}

function linkFields(target: string): Buffer[] {
  const components = [...componentsOf(target)];
  const fields: Buffer[] = [];
  for (let next = 0; next < components.length; ) {
    const parts: Buffer[] = [];
    let size = 5;
    for (let part = components[next]; part && size + part.length <= MOST_IN_FIELD; part = components[next]) {
      parts.push(part);
      size += part.length;
      next++;
    }
    const field = newField("SL", size);
    field[4] = next < components.length ? CONTINUES : 0;
    Buffer.concat(parts).copy(field, 5);
    fields.push(field);
  }
  return fields;
}

/** A target's names as component records, which readers join by "/". */
function* componentsOf(target: string): Generator<Buffer> {
  const HERE = 2;
  const ABOVE = 4;
  const ROOT = 8;
  const MOST = 120;
  const absolute = target.startsWith("/");
  if (absolute) yield Buffer.from([ROOT, 0]);
  for (const name of (absolute ? target.slice(1) : target).split("/")) {
    if (name === ".") yield Buffer.from([HERE, 0]);
    else if (name === "..") yield Buffer.from([ABOVE, 0]);
    else {
      const bytes = bytesOf(name);
      let at = 0;
      do {
        const piece = bytes.subarray(at, at + MOST);
        at += MOST;
        yield Buffer.concat([Buffer.from([at < bytes.length ? CONTINUES : 0, piece.length]), piece]);
      } while (at < bytes.length);
    }
  }
}

/** The continuation areas of an image, one after the other from a sector on. None crosses the end of a sector. */
export class Continuations {
  readonly #first: number;
  readonly #areas = new Growing(SECTOR);

  constructor(firstSector: number) {
    this.#first = firstSector;
  }

  get bytes(): Buffer {
    return this.#areas.bytes;
  }

  /**
   * Puts fields into a record's room; those that don't fit go to an area, which leads to no other one: NetBSD would lose
   * a buffer, and hang at the next use of the folder. Gives what stands in the record; null where it is too much.
   */
  place(fields: readonly Buffer[], room: number): Buffer | null {
    const count = howMany(fields, room);
    const here = fields.slice(0, count);
    if (count === fields.length) return Buffer.concat(here);
    const rest = Buffer.concat(fields.slice(count));
    if (rest.length > SECTOR) return null;
    return Buffer.concat([...here, this.#continueWith(rest)]);
  }

  #continueWith(rest: Buffer): Buffer {
    const left = SECTOR - (this.#areas.length % SECTOR);
    if (rest.length > left) this.#areas.add(left);
    const at = this.#areas.length;
    rest.copy(this.#areas.add(rest.length));
    const field = newField("CE", CE_SIZE);
    writeBoth32(field, 4, this.#first + Math.floor(at / SECTOR));
    writeBoth32(field, 12, at % SECTOR);
    writeBoth32(field, 20, rest.length);
    return field;
  }
}

/** How many of the fields fit into some bytes, with a "CE" behind them where it is not all. */
function howMany(fields: readonly Buffer[], room: number): number {
  let size = 0;
  let fit = 0;
  for (const [index, field] of fields.entries()) {
    size += field.length;
    if (size > room) return fit;
    if (size + CE_SIZE <= room) fit = index + 1;
  }
  return fields.length;
}
