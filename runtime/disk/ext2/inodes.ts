/** Reads the inodes of an image. */
import { readInto } from "../../../native/files.ts";
import { kindOfMode } from "../../../native/tree-files.ts";
import { damaged, type Image, within } from "./image.ts";
import { DIRECT_BLOCKS, INLINE_BYTES, INODE, type Kind, UNTOUCHED } from "./layout.ts";

export interface Ext2Node {
  readonly kind: Kind;
  readonly inode: number;
  readonly links: number;
  /** 12 permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Seconds after 1970. */
  readonly modified: number;
  /** It is as `writeExt2` wrote it. */
  readonly untouched: boolean;
  /** Of a device node, else 0. */
  readonly major: number;
  readonly minor: number;
  /** Whether blocks belong to it. */
  readonly hasBlocks: boolean;
  /** Block numbers, or a short link's target. */
  readonly numbers: Buffer;
}

export type Ext2Folder = Ext2Node & { readonly kind: "folder" };

const FLAGS_AT = 32;
/** Compressed, encrypted, in extents, within the inode: content that is not found by block numbers. */
const OTHERWISE_STORED = 0x4 | 0x800 | 0x8_0000 | 0x1000_0000;

export class Inodes {
  readonly #image: Image;
  readonly #piece = Buffer.alloc(65536);
  #pieceAt = -1;

  constructor(image: Image) {
    this.#image = image;
  }

  /** Throws a UnikrunError where there is no such inode, or it is no good. */
  read(inode: number): Ext2Node {
    const bytes = this.#bytesOf(inode);
    const mode = bytes.readUInt16LE(INODE.mode);
    const kind = kindOf(mode, inode);
    const links = bytes.readUInt16LE(INODE.links);
    if (links === 0) throw damaged(`inode ${inode} is in a folder, and was deleted`);
    if ((bytes.readUInt32LE(FLAGS_AT) & OTHERWISE_STORED) !== 0)
      throw damaged(`inode ${inode} has flags of another file system`);
    const numbers = Buffer.from(bytes.subarray(INODE.blocks, INODE.blocks + INLINE_BYTES));
    return {
      kind,
      inode,
      links,
      mode: mode & 0o7777,
      uid: bytes.readUInt16LE(INODE.uid) + bytes.readUInt16LE(INODE.uidHigh) * 0x10000,
      gid: bytes.readUInt16LE(INODE.gid) + bytes.readUInt16LE(INODE.gidHigh) * 0x10000,
      size: this.#sizeOf(bytes, kind, inode),
      modified: bytes.readUInt32LE(INODE.modified),
      untouched: bytes.readUInt32LE(INODE.changed) === UNTOUCHED,
      ...deviceOf(kind, numbers),
      hasBlocks: bytes.readUInt32LE(INODE.sectors) !== 0,
      numbers,
    };
  }

  #bytesOf(inode: number): Buffer {
    const { inodes, inodesPerGroup, inodeSize, tables, blockSize, fd } = this.#image;
    const index = within(inode, 1, inodes, "the number of an inode") - 1;
    const table = tables[Math.floor(index / inodesPerGroup)] ?? 0;
    const at = table * blockSize + (index % inodesPerGroup) * inodeSize;
    if (this.#pieceAt < 0 || at < this.#pieceAt || at + inodeSize > this.#pieceAt + this.#piece.length) {
      this.#pieceAt = at - (at % blockSize);
      this.#piece.fill(0, readInto(fd, this.#piece, this.#pieceAt));
    }
    return this.#piece.subarray(at - this.#pieceAt, at - this.#pieceAt + inodeSize);
  }

  #sizeOf(bytes: Buffer, kind: Kind, inode: number): number {
    const { blockSize, blocks } = this.#image;
    const what = `the size of inode ${inode}`;
    const low = bytes.readUInt32LE(INODE.size);
    if (kind === "file") {
      const perBlock = blockSize / 4;
      const most = (DIRECT_BLOCKS + perBlock + perBlock ** 2 + perBlock ** 3) * blockSize;
      return within(low + bytes.readUInt32LE(INODE.sizeHigh) * 2 ** 32, 0, most, what);
    }
    if (kind === "folder") {
      if (low % blockSize !== 0) throw damaged(`${what} is ${low}`);
      return within(low, blockSize, blocks * blockSize, what);
    }
    return kind === "link" ? within(low, 1, Math.min(4095, blockSize), what) : 0;
  }
}

function kindOf(mode: number, inode: number): Kind {
  const kind = kindOfMode(mode);
  if (kind) return kind;
  throw damaged(`inode ${inode} has the mode 0${mode.toString(8)}`);
}

function deviceOf(kind: Kind, numbers: Buffer): { major: number; minor: number } {
  if (kind !== "character" && kind !== "block") return { major: 0, minor: 0 };
  const number = numbers.readUInt32LE(0) || numbers.readUInt32LE(4);
  return { major: (number >>> 8) & 0xfff, minor: (number & 0xff) | ((number >>> 12) & 0xfff00) };
}
