/** Where things stand in an ext2 image that we write: block groups, and what each of them begins with. */
import { DESCRIPTOR_SIZE, hasSuperblock } from "./layout.ts";

export const BLOCK = 4096;
export const INODE_SIZE = 128;
/** Blocks, as a bitmap is one block. */
export const GROUP_BLOCKS = BLOCK * 8;
const INODES_PER_BLOCK = BLOCK / INODE_SIZE;
export const MOST_INODES_PER_GROUP = BLOCK * 8;
/** mke2fs's own measure. */
const BYTES_PER_INODE = 16384;
/** A last group that would have fewer blocks for data is left out, as mke2fs does. */
const FEWEST_DATA_BLOCKS = 50;

export interface Geometry {
  readonly blocks: number;
  readonly groups: number;
  readonly inodesPerGroup: number;
  readonly inodes: number;
  /** Blocks of the table of group descriptors. */
  readonly descriptorBlocks: number;
  readonly tableBlocks: number;
}

/** For an image of so many bytes with at least so many inodes, if it has groups enough for them. */
export function geometryOf(bytes: number, leastInodes: number): Geometry {
  let blocks = Math.floor(bytes / BLOCK);
  const inodes = Math.max(leastInodes, Math.floor(bytes / BYTES_PER_INODE));
  for (;;) {
    const geometry = dividedInGroups(blocks, inodes);
    const last = geometry.groups - 1;
    const inLast = blocks - last * GROUP_BLOCKS;
    if (last === 0 || inLast >= overheadOf(geometry, last) + FEWEST_DATA_BLOCKS) return geometry;
    blocks = last * GROUP_BLOCKS;
  }
}

function dividedInGroups(blocks: number, inodes: number): Geometry {
  const fewest = Math.ceil(inodes / MOST_INODES_PER_GROUP);
  const groups = Math.max(1, Math.ceil(blocks / GROUP_BLOCKS));
  const perGroup = Math.ceil(inodes / groups / INODES_PER_BLOCK) * INODES_PER_BLOCK;
  const inodesPerGroup = fewest > groups ? MOST_INODES_PER_GROUP : perGroup;
  return {
    blocks,
    groups,
    inodesPerGroup,
    inodes: inodesPerGroup * groups,
    descriptorBlocks: Math.ceil((groups * DESCRIPTOR_SIZE) / BLOCK),
    tableBlocks: inodesPerGroup / INODES_PER_BLOCK,
  };
}

export const groupStart = (group: number): number => group * GROUP_BLOCKS;

export const blocksIn = ({ blocks }: Geometry, group: number): number =>
  Math.min(GROUP_BLOCKS, blocks - groupStart(group));

/** Blocks at a group's start for the copy of the superblock and the descriptors, if it has one. */
export const copiesOf = ({ descriptorBlocks }: Geometry, group: number): number =>
  hasSuperblock(group) ? 1 + descriptorBlocks : 0;

/** Blocks at a group's start that are not for data: the copies, two bitmaps, the inode table. */
export const overheadOf = (geometry: Geometry, group: number): number =>
  copiesOf(geometry, group) + 2 + geometry.tableBlocks;

/** Blocks for data. */
export function capacityOf(geometry: Geometry): number {
  let sum = 0;
  for (let group = 0; group < geometry.groups; group++)
    sum += Math.max(0, blocksIn(geometry, group) - overheadOf(geometry, group));
  return sum;
}
