/**
 * cpio's "newc" format (cpio(5)), for guests that take their files into memory when they boot. An entry is a header of hexadecimal digits, its
 * name, and its content, each of them filled up to a multiple of four bytes.
 */
import { bytesOf } from "../../native/names.ts";
import { setSize, TYPE_BITS, writeAt } from "../../native/tree-files.ts";
import { UnikrunError } from "../error.ts";
import { copyContent, spansOf } from "./content.ts";
import { type Entry, type Folder, sorted } from "./tree.ts";

const MAGIC = "070701";
/** Unikraft 0.17.0 fails an assertion of its own where the memory behind an archive does not begin with a page. */
const PAGE = 4096;
const MOST_BYTES = 0xffff_ffff;

const aligned = (size: number): number => Math.ceil(size / 4) * 4;

/** The bytes of such an archive. */
export function cpioSize(tree: Folder): number {
  let size = TRAILER_ENTRY.length;
  for (const { path, entry } of entriesOf(tree)) size += entrySize(path, entry);
  return Math.ceil(size / PAGE) * PAGE;
}

function entrySize(path: string, entry: Entry): number {
  const HEADER = 110;
  const head = aligned(HEADER + bytesOf(path).length + 1);
  switch (entry.kind) {
    case "folder":
      return head;
    case "file":
      return head + aligned(entry.size);
    case "link":
      return head + aligned(bytesOf(entry.target).length);
    default:
      return 0;
  }
}

/**
 * Writes an archive into an open file, in place of what it has, and returns its size in bytes. The same tree gives the same bytes. Names of
 * one file become files of their own, and what is no file, folder or link is left out. Throws UnikrunError for what can't be read, and
 * for a file from 4 GiB on.
 */
export function writeCpio(tree: Folder, fd: number): number {
  setSize(fd, 0);
  let end = 0;
  let number = 1;
  for (const { path, entry } of entriesOf(tree)) {
    const head = headOf(path, entry, number++);
    writeAt(fd, head, end);
    end += head.length;
    if (entry.kind !== "file") continue;
    const place = end;
    end += aligned(entry.size);
    setSize(fd, end);
    copyContent(
      entry,
      fd,
      spansOf(entry).map((span) => ({ ...span, place: place + span.start })),
    );
  }
  writeAt(fd, TRAILER_ENTRY, end);
  const size = Math.ceil((end + TRAILER_ENTRY.length) / PAGE) * PAGE;
  setSize(fd, size);
  return size;
}

/** Characters of a path, more than any guest can open. */
const LONGEST_PATH = 4095;

/** Folders before what is in them. */
function* entriesOf(folder: Folder, within = ""): Generator<{ path: string; entry: Entry }> {
  for (const [name, entry] of sorted(folder)) {
    const path = `${within}${name}`;
    if (path.length > LONGEST_PATH)
      throw new UnikrunError(
        `The path "/${path.slice(0, 60)}…" has more than ${LONGEST_PATH} bytes, which no guest can open: leave it out.`,
      );
    yield { path, entry };
    if (entry.kind === "folder") yield* entriesOf(entry, `${path}/`);
  }
}

/** With the target, for a link; empty for what has no place in an archive. */
function headOf(path: string, entry: Entry, number: number): Buffer {
  const { mode, uid, gid, modified } = entry;
  const common = { name: path, uid, gid, modified, number };
  switch (entry.kind) {
    case "folder":
      return header({ ...common, mode: TYPE_BITS.folder | mode, size: 0 });
    case "file":
      if (entry.size > MOST_BYTES)
        throw new UnikrunError(
          `${JSON.stringify(`/${path}`)} is larger than 4 GiB, which a guest can't have in its memory: leave it out.`,
        );
      return header({ ...common, mode: TYPE_BITS.file | mode, size: entry.size });
    case "link": {
      const target = bytesOf(entry.target);
      const head = header({ ...common, mode: TYPE_BITS.link | mode, size: target.length });
      return Buffer.concat([head, target], head.length + aligned(target.length));
    }
    default:
      return Buffer.alloc(0);
  }
}

function header(entry: {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  modified: bigint;
  size: number;
  number: number;
}): Buffer {
  const name = bytesOf(entry.name);
  const seconds = Number(entry.modified / 1_000_000_000n) % 2 ** 32;
  const fields = [
    entry.number,
    entry.mode,
    entry.uid,
    entry.gid,
    1,
    Math.max(seconds, 0),
    entry.size,
    ...[0, 0, 0, 0],
    name.length + 1,
    0,
  ];
  const text = MAGIC + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  const parts = Buffer.concat([Buffer.from(text, "latin1"), name]);
  return Buffer.concat([parts], aligned(parts.length + 1));
}

const TRAILER_ENTRY = header({
  name: "TRAILER!!!",
  mode: 0,
  uid: 0,
  gid: 0,
  modified: 0n,
  size: 0,
  number: 0,
});
