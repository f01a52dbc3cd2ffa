/**
 * Writes an ext2 file system that NetBSD's ext2fs and Linux mount read-write. Blocks and inodes are given out in order, so
 * that what is in use of each group is its beginning; free space and unused inodes are holes of the image.
 */
import { bytesOf } from "../../../native/names.ts";
import { setSize, TYPE_BITS, writeAt } from "../../../native/tree-files.ts";
import { UnikrunError } from "../../error.ts";
import { copyContent, type Span } from "../content.ts";
import type { Folder, RegularFile } from "../tree.ts";
import { Blocks, type Mapping, mapRuns, type Run, takeRuns } from "./blocks.ts";
import { folderContent } from "./folder.ts";
import {
  BLOCK,
  capacityOf,
  type Geometry,
  GROUP_BLOCKS,
  geometryOf,
  INODE_SIZE,
  MOST_INODES_PER_GROUP,
} from "./geometry.ts";
import { INLINE_BYTES, INODE, UNTOUCHED } from "./layout.ts";
import { FIRST_INODE, folderSize, type Node, type Plan, planOf } from "./plan.ts";
import { inodeTableAt, writeMetadata } from "./superblock.ts";

/**
 * The bytes that an image for this tree has at the least, with no room for more than `leastInodes` files; they are whole blocks of 4096.
 * Throws as `writeExt2` does.
 */
export function ext2Bytes(tree: Folder, leastInodes = 0): number {
  const { nodes, blocks } = planOf(tree);
  const inodes = Math.max(inodesOf(nodes), leastInodes);
  const leastGroups = Math.ceil(inodes / MOST_INODES_PER_GROUP);
  for (let total = Math.max(blocks, leastGroups === 1 ? 0 : leastGroups * GROUP_BLOCKS); ; ) {
    const missing = blocks - capacityOf(geometryOf(total * BLOCK, inodes));
    if (missing <= 0) return total * BLOCK;
    total += missing;
  }
}

/**
 * Makes an open file an image of `bytes` bytes, in place of what it has; `inodes` is how many files it is to have room for at least.
 * Throws a UnikrunError where the tree does not fit, for what ext2 can't hold, and for files that can't be read.
 */
export function writeExt2(tree: Folder, fd: number, options: { bytes: number; inodes?: number }): void {
  const plan = planOf(tree);
  const geometry = geometryOf(options.bytes, Math.max(inodesOf(plan.nodes), options.inodes ?? 0));
  const capacity = capacityOf(geometry);
  if (geometry.inodes < inodesOf(plan.nodes))
    throw new UnikrunError(
      `${plan.nodes.length} files don't fit on a disk of ${options.bytes} bytes, which has room for ${geometry.inodes}: make the disk larger.`,
    );
  if (capacity < plan.blocks)
    throw new UnikrunError(
      `Files of ${plan.blocks * BLOCK} bytes don't fit on a disk of ${options.bytes} bytes, which has room for ${capacity * BLOCK}: make the disk larger.`,
    );
  setSize(fd, 0);
  setSize(fd, options.bytes);
  const blocks = new Blocks(geometry);
  const folders = writeNodes(fd, geometry, blocks, plan);
  writeMetadata(fd, geometry, blocks, inodesOf(plan.nodes), folders);
}

/** Inodes in use: the ten first ones, of which the root is one, and the others. */
const inodesOf = (nodes: readonly Node[]): number => FIRST_INODE - 1 + nodes.length - 1;

/** Gives the number of folders in each group. */
function writeNodes(fd: number, geometry: Geometry, blocks: Blocks, { nodes }: Plan): number[] {
  const folders: number[] = Array.from({ length: geometry.groups }, () => 0);
  let group = 0;
  let table = Buffer.alloc(geometry.inodesPerGroup * INODE_SIZE);
  let end = 0;
  for (const node of nodes) {
    const index = node.inode - 1;
    const own = Math.floor(index / geometry.inodesPerGroup);
    if (own !== group) {
      writeAt(fd, table.subarray(0, end), inodeTableAt(geometry, group));
      table = Buffer.alloc(table.length);
      group = own;
    }
    if (node.entry.kind === "folder") folders[group] = (folders[group] ?? 0) + 1;
    const at = (index % geometry.inodesPerGroup) * INODE_SIZE;
    end = at + INODE_SIZE;
    writeNode(table.subarray(at, end), node, { fd, blocks });
  }
  writeAt(fd, table.subarray(0, end), inodeTableAt(geometry, group));
  return folders;
}

interface Image {
  readonly fd: number;
  readonly blocks: Blocks;
}

/** Writes an entry's content, and fills its inode. */
function writeNode(inode: Buffer, node: Node, image: Image): void {
  const { entry } = node;
  writeAttributes(inode, node);
  switch (entry.kind) {
    case "folder": {
      const content = contentOf(node);
      writeMapping(inode, writeBytes(content, image), content.length);
      return;
    }
    case "file":
      writeMapping(inode, writeFile(entry, node.spans, image), entry.size);
      return;
    case "link": {
      const target = bytesOf(entry.target);
      if (target.length >= INLINE_BYTES) writeMapping(inode, writeBytes(target, image), target.length);
      else {
        inode.writeUInt32LE(target.length, INODE.size);
        target.copy(inode, INODE.blocks);
      }
      return;
    }
    case "character":
    case "block":
      writeDevice(inode, entry.major, entry.minor);
      return;
    case "fifo":
    case "socket":
      return;
  }
}

function writeAttributes(inode: Buffer, { entry, links }: Node): void {
  const seconds = secondsOf(entry.modified);
  inode.writeUInt16LE(TYPE_BITS[entry.kind] | entry.mode, INODE.mode);
  inode.writeUInt16LE(entry.uid & 0xffff, INODE.uid);
  inode.writeUInt16LE(entry.uid >>> 16, INODE.uidHigh);
  inode.writeUInt16LE(entry.gid & 0xffff, INODE.gid);
  inode.writeUInt16LE(entry.gid >>> 16, INODE.gidHigh);
  inode.writeUInt32LE(seconds, INODE.accessed);
  inode.writeUInt32LE(UNTOUCHED, INODE.changed);
  inode.writeUInt32LE(seconds, INODE.modified);
  inode.writeUInt16LE(links, INODE.links);
}

/** The nearest that can be written: from 1970 to 2038. */
function secondsOf(nanoseconds: bigint): number {
  const LAST = 2 ** 31 - 1;
  return Math.max(0, Math.min(LAST, Number(nanoseconds / 1_000_000_000n)));
}

function writeMapping(inode: Buffer, { numbers, count }: Mapping, size: number): void {
  inode.writeUInt32LE(size % 2 ** 32, INODE.size);
  inode.writeUInt32LE(Math.floor(size / 2 ** 32), INODE.sizeHigh);
  inode.writeUInt32LE(count * (BLOCK / 512), INODE.sectors);
  for (const [index, number] of numbers.entries()) inode.writeUInt32LE(number, INODE.blocks + index * 4);
}

function contentOf(node: Node): Buffer {
  const { inode, parent, children } = node;
  const records = [
    { inode, kind: "folder" as const, name: Buffer.from(".") },
    { inode: parent, kind: "folder" as const, name: Buffer.from("..") },
    ...children.map(({ name, node }) => ({ inode: node.inode, kind: node.entry.kind, name })),
  ];
  return folderContent(records, folderSize(node));
}

function writeBytes(content: Buffer, { fd, blocks }: Image): Mapping {
  const runs = takeRuns(blocks, 0, Math.ceil(content.length / BLOCK));
  for (const { logical, block, count } of runs)
    writeAt(fd, content.subarray(logical * BLOCK, (logical + count) * BLOCK), block * BLOCK);
  return mapRuns(fd, blocks, runs);
}

function writeFile(file: RegularFile, spans: readonly Span[], { fd, blocks }: Image): Mapping {
  const runs: Run[] = [];
  let reach = 0;
  for (const { start, end } of spans) {
    const first = Math.max(reach, Math.floor(start / BLOCK));
    reach = Math.max(reach, Math.ceil(end / BLOCK));
    runs.push(...takeRuns(blocks, first, reach - first));
  }
  const pieces = runs.map(({ logical, block, count }) => ({
    start: logical * BLOCK,
    end: (logical + count) * BLOCK,
    place: block * BLOCK,
  }));
  if (pieces.length > 0) copyContent(file, fd, pieces);
  return mapRuns(fd, blocks, runs);
}

/** As Linux does: the old form where it fits, which NetBSD reads as well. */
function writeDevice(inode: Buffer, major: number, minor: number): void {
  if (major < 256 && minor < 256) inode.writeUInt32LE(major * 256 + minor, INODE.blocks);
  else {
    const number = (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
    inode.writeUInt32LE(number >>> 0, INODE.blocks + 4);
  }
}
