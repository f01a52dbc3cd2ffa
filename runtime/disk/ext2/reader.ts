/** Reads an ext2 file system that a guest wrote. */

import { readInto } from "../../../native/files.ts";
import { nameOf } from "../../../native/names.ts";
import { FileStatus, nextData, setSize } from "../../../native/tree-files.ts";
import { advance, extend } from "../../progress.ts";
import { copyTold } from "../copy.ts";
import type { Run } from "./blocks.ts";
import { Contents } from "./content.ts";
import { damaged, type Image, openImage, within } from "./image.ts";
import { type Ext2Folder, type Ext2Node, Inodes } from "./inodes.ts";
import { INLINE_BYTES, ROOT_INODE } from "./layout.ts";

export interface Ext2Entry {
  readonly name: string;
  readonly node: Ext2Node;
}

/** Throws a UnikrunError where it is no ext2 that we know, or its superblock or descriptors are no good. */
export function openExt2(fd: number): Ext2 {
  return new Ext2(openImage(fd));
}

/** All functions throw a UnikrunError where the image is damaged. */
export class Ext2 {
  /** It was unmounted in order and has no known errors. */
  readonly clean: boolean;
  readonly root: Ext2Folder;
  readonly #image: Image;
  readonly #inodes: Inodes;
  readonly #contents: Contents;
  /** Where each folder stands, as it may stand in one place only. */
  readonly #places = new Map<number, string>();

  constructor(image: Image) {
    this.#image = image;
    this.#inodes = new Inodes(image);
    this.#contents = new Contents(image);
    this.clean = image.clean;
    this.root = asFolder(this.#inodes.read(ROOT_INODE));
    this.#places.set(ROOT_INODE, "/");
  }

  /** What is in a folder, without "." and "..", in the folder's order. */
  *entries(folder: Ext2Folder): Generator<Ext2Entry> {
    const { blockSize, firstInode } = this.#image;
    const names = new Set<string>();
    const runs = this.#contents.runsOf(folder);
    const blocks = runs.reduce((sum, { count }) => sum + count, 0);
    if (blocks * blockSize !== folder.size) throw damaged(`the folder of inode ${folder.inode} has holes`);
    const block = Buffer.alloc(blockSize);
    for (const run of runs) {
      for (let index = 0; index < run.count; index++) {
        readInto(this.#image.fd, block, (run.block + index) * blockSize);
        for (const { inode, name } of recordsOf(block, folder.inode)) {
          if (names.has(name))
            throw damaged(`${JSON.stringify(name)} is twice in the folder of inode ${folder.inode}`);
          names.add(name);
          within(inode, firstInode, this.#image.inodes, `the inode of ${JSON.stringify(name)}`);
          const node = this.#inodes.read(inode);
          if (node.kind === "folder") this.#place(inode, `${folder.inode}/${name}`);
          yield { name, node };
        }
      }
    }
  }

  #place(inode: number, place: string): void {
    const known = this.#places.get(inode) ?? place;
    if (known !== place) throw damaged(`the folder of inode ${inode} is in two places`);
    this.#places.set(inode, place);
  }

  readLink(node: Ext2Node): string {
    if (node.kind !== "link") throw new Error(`inode ${node.inode} is no link`);
    const target = this.#target(node);
    if (target.includes(0))
      throw damaged(`the target of the link of inode ${node.inode} is ${escaped(target)}`);
    return nameOf(target);
  }

  #target(node: Ext2Node): Buffer {
    if (!node.hasBlocks) {
      within(node.size, 1, INLINE_BYTES, `the size of inode ${node.inode}`);
      return node.numbers.subarray(0, node.size);
    }
    const [run] = this.#contents.runsOf(node);
    if (run?.logical !== 0) throw damaged(`the link of inode ${node.inode} has no target`);
    const target = Buffer.alloc(node.size);
    readInto(this.#image.fd, target, run.block * this.#image.blockSize);
    return target;
  }

  /** Makes an open file of the host the same as a file, holes where it has them. */
  copyFile(node: Ext2Node, to: number): void {
    // ext4 writes out at once what was truncated when it is closed, which takes long for many files.
    if (new FileStatus().readOpen(to).size > 0) setSize(to, 0);
    if (node.size > 0) setSize(to, node.size);
    let reach = 0;
    for (const { start, end, at } of this.#pieces(node)) {
      advance(start - reach);
      reach = end;
      if (copyTold(this.#image.fd, at, to, start, end - start) < end - start)
        throw damaged(`it ends within inode ${node.inode}`);
    }
    advance(node.size - reach);
  }

  /** Whether an open file of the host has the same bytes. */
  sameContent(node: Ext2Node, file: number): boolean {
    if (new FileStatus().readOpen(file).size !== node.size) return false;
    let reach = 0;
    // What has been compared in vain is copied next.
    const differs = (compared = reach): false => {
      extend(compared);
      return false;
    };
    for (const { start, end, at } of this.#pieces(node)) {
      if (!isZero(file, reach, start)) return differs();
      advance(start - reach);
      const same = bytesAlike(file, start, this.#image.fd, at, end - start);
      if (same < end - start) return differs(start + same);
      reach = end;
    }
    if (!isZero(file, reach, node.size)) return differs();
    advance(node.size - reach);
    return true;
  }

  /** What is no hole: from where to where in the file, and where that is in the image; bytes. */
  #pieces(node: Ext2Node): { start: number; end: number; at: number }[] {
    if (node.kind !== "file") throw new Error(`inode ${node.inode} is no file`);
    const { blockSize } = this.#image;
    return this.#contents.runsOf(node).map(({ logical, block, count }: Run) => ({
      start: logical * blockSize,
      end: Math.min((logical + count) * blockSize, node.size),
      at: block * blockSize,
    }));
  }
}

function asFolder(node: Ext2Node): Ext2Folder {
  if (!isFolder(node)) throw damaged("its root is no folder");
  return node;
}

export function isFolder(node: Ext2Node): node is Ext2Folder {
  return node.kind === "folder";
}

const escaped = (bytes: Buffer): string => JSON.stringify(bytes.toString("latin1"));

/** The records of one block of a folder, without "." and "..". */
function* recordsOf(block: Buffer, folder: number): Generator<{ inode: number; name: string }> {
  const HEADER = 8;
  for (let at = 0; at < block.length; ) {
    const left = block.length - at;
    const what = `a record in the folder of inode ${folder}`;
    if (left < HEADER) throw damaged(`${what} is cut off`);
    const inode = block.readUInt32LE(at);
    const length = within(block.readUInt16LE(at + 4), HEADER, left, `the length of ${what}`);
    const nameBytes = block.readUInt8(at + 6);
    if (length % 4 !== 0 || HEADER + nameBytes > length) throw damaged(`${what} is too short for its name`);
    if (inode !== 0) {
      const name = checkedName(block.subarray(at + HEADER, at + HEADER + nameBytes), folder);
      if (name !== "." && name !== "..") yield { inode, name };
    }
    at += length;
  }
}

function checkedName(bytes: Buffer, folder: number): string {
  const name = nameOf(bytes);
  if (name === "" || name.includes("/") || name.includes("\0"))
    throw damaged(`a name in the folder of inode ${folder} is ${escaped(bytes)}`);
  return name;
}

const PIECE = 1 << 18;

/** How many bytes are the same, in whole pieces. */
function bytesAlike(one: number, oneAt: number, other: number, otherAt: number, length: number): number {
  const [a, b] = [Buffer.allocUnsafe(Math.min(PIECE, length)), Buffer.allocUnsafe(Math.min(PIECE, length))];
  for (let done = 0; done < length; done += PIECE) {
    const count = Math.min(PIECE, length - done);
    if (readInto(one, a.subarray(0, count), oneAt + done) < count) return done;
    if (readInto(other, b.subarray(0, count), otherAt + done) < count) return done;
    if (!a.subarray(0, count).equals(b.subarray(0, count))) return done;
    advance(count);
  }
  return length;
}

/** Whether a part of a file is zeros; its own holes are passed over. */
function isZero(file: number, start: number, end: number): boolean {
  const data = Buffer.allocUnsafe(Math.min(PIECE, Math.max(0, end - start)));
  const zeros = Buffer.alloc(data.length);
  for (let at = start; at < end; at += PIECE) {
    const next = nextData(file, at);
    if (next === null || next >= end) return true;
    at = next;
    const count = Math.min(PIECE, end - at);
    if (readInto(file, data.subarray(0, count), at) < count) return false;
    if (!data.subarray(0, count).equals(zeros.subarray(0, count))) return false;
  }
  return true;
}
