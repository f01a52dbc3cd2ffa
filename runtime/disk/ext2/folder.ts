/** A folder's content: records of an inode, its kind and its name, none of which crosses the end of a block. */
import { BLOCK } from "./geometry.ts";
import { ENTRY_TYPE, type Kind } from "./layout.ts";

interface Record {
  readonly inode: number;
  readonly kind: Kind;
  readonly name: Buffer;
}

const HEADER = 8;

const recordSize = (nameBytes: number): number => (HEADER + nameBytes + 3) & ~3;

/** How many blocks a folder with these names takes. */
export function folderBlocks(children: readonly { readonly name: Buffer }[]): number {
  let blocks = 1;
  let used = recordSize(1) + recordSize(2);
  for (const { name } of children) {
    const size = recordSize(name.length);
    if (used + size > BLOCK) {
      blocks++;
      used = 0;
    }
    used += size;
  }
  return blocks;
}

/** The content of a folder with these records; what of `size` bytes is not needed is free for others. */
export function folderContent(records: readonly Record[], size: number): Buffer {
  const content = Buffer.alloc(size);
  let at = 0;
  let last = -1;
  for (const { inode, kind, name } of records) {
    const length = recordSize(name.length);
    const left = BLOCK - (at % BLOCK);
    if (length > left) {
      extend(content, last, at + left);
      at += left;
    }
    content.writeUInt32LE(inode, at);
    content.writeUInt16LE(length, at + 4);
    content[at + 6] = name.length;
    content[at + 7] = ENTRY_TYPE[kind];
    name.copy(content, at + HEADER);
    last = at;
    at += length;
  }
  const end = Math.ceil(at / BLOCK) * BLOCK;
  extend(content, last, end);
  for (let empty = end; empty < content.length; empty += BLOCK) content.writeUInt16LE(BLOCK, empty + 4);
  return content;
}

/** The last record of a block goes on to its end. */
function extend(content: Buffer, record: number, end: number): void {
  content.writeUInt16LE(end - record, record + 4);
}
