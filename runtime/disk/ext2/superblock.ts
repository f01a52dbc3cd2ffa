/** What describes the file system as a whole: superblock, group descriptors, bitmaps. */
import { writeAt } from "../../../native/tree-files.ts";
import type { Blocks } from "./blocks.ts";
import {
  BLOCK,
  blocksIn,
  copiesOf,
  type Geometry,
  GROUP_BLOCKS,
  groupStart,
  INODE_SIZE,
  overheadOf,
} from "./geometry.ts";
import {
  DESCRIPTOR,
  DESCRIPTOR_SIZE,
  FEATURE,
  MAGIC,
  STATE,
  SUPERBLOCK,
  SUPERBLOCK_AT,
  SUPERBLOCK_SIZE,
} from "./layout.ts";
import { FIRST_INODE } from "./plan.ts";

/** What a group has in use. */
interface GroupUse {
  readonly blocks: number;
  readonly inodes: number;
  readonly folders: number;
}

/** `inodes`: how many are in use, from the first on. */
export function writeMetadata(
  fd: number,
  geometry: Geometry,
  blocks: Blocks,
  inodes: number,
  foldersIn: readonly number[],
): void {
  const uses = Array.from({ length: geometry.groups }, (_, group) => ({
    blocks: blocks.usedIn(group),
    inodes: Math.max(0, Math.min(geometry.inodesPerGroup, inodes - group * geometry.inodesPerGroup)),
    folders: foldersIn[group] ?? 0,
  }));
  const superblock = superblockOf(geometry, uses);
  const descriptors = descriptorsOf(geometry, uses);
  for (const [group, use] of uses.entries()) {
    const start = groupStart(group);
    const copies = copiesOf(geometry, group);
    if (copies > 0) {
      superblock.writeUInt16LE(group, SUPERBLOCK.groupOfThis);
      writeAt(fd, superblock, group === 0 ? SUPERBLOCK_AT : start * BLOCK);
      writeAt(fd, descriptors, (start + 1) * BLOCK);
    }
    const bitmaps = Buffer.concat([
      bitmap(use.blocks, blocksIn(geometry, group)),
      bitmap(use.inodes, geometry.inodesPerGroup),
    ]);
    writeAt(fd, bitmaps, (start + copies) * BLOCK);
  }
}

function superblockOf(geometry: Geometry, uses: readonly GroupUse[]): Buffer {
  const ON_ERROR_CONTINUE = 1;
  const LOG_OF_4096 = 2;
  const superblock = Buffer.alloc(SUPERBLOCK_SIZE);
  const put32 = (at: number, value: number): void => void superblock.writeUInt32LE(value, at);
  const put16 = (at: number, value: number): void => void superblock.writeUInt16LE(value, at);
  put32(SUPERBLOCK.inodes, geometry.inodes);
  put32(SUPERBLOCK.blocks, geometry.blocks);
  put32(SUPERBLOCK.freeBlocks, geometry.blocks - uses.reduce((sum, use) => sum + use.blocks, 0));
  put32(SUPERBLOCK.freeInodes, geometry.inodes - uses.reduce((sum, use) => sum + use.inodes, 0));
  put32(SUPERBLOCK.logBlockSize, LOG_OF_4096);
  put32(SUPERBLOCK.logFragmentSize, LOG_OF_4096);
  put32(SUPERBLOCK.blocksPerGroup, GROUP_BLOCKS);
  put32(SUPERBLOCK.fragmentsPerGroup, GROUP_BLOCKS);
  put32(SUPERBLOCK.inodesPerGroup, geometry.inodesPerGroup);
  superblock.writeInt16LE(-1, SUPERBLOCK.mountCountMost);
  put16(SUPERBLOCK.magic, MAGIC);
  put16(SUPERBLOCK.state, STATE.clean);
  put16(SUPERBLOCK.onError, ON_ERROR_CONTINUE);
  put32(SUPERBLOCK.revision, 1);
  put32(SUPERBLOCK.firstInode, FIRST_INODE);
  put16(SUPERBLOCK.inodeSize, INODE_SIZE);
  put32(SUPERBLOCK.incompatible, FEATURE.fileType);
  put32(SUPERBLOCK.readOnlyCompatible, FEATURE.sparseSuper | FEATURE.largeFile);
  // e2fsck wants one; each image has the same, so that the same tree gives the same bytes.
  superblock.write("unikrun volume 1", SUPERBLOCK.uuid, "latin1");
  superblock.write("unikrun", SUPERBLOCK.label, "latin1");
  return superblock;
}

function descriptorsOf(geometry: Geometry, uses: readonly GroupUse[]): Buffer {
  const descriptors = Buffer.alloc(geometry.descriptorBlocks * BLOCK);
  for (const [group, use] of uses.entries()) {
    const bitmaps = groupStart(group) + copiesOf(geometry, group);
    const descriptor = descriptors.subarray(group * DESCRIPTOR_SIZE);
    descriptor.writeUInt32LE(bitmaps, DESCRIPTOR.blockBitmap);
    descriptor.writeUInt32LE(bitmaps + 1, DESCRIPTOR.inodeBitmap);
    descriptor.writeUInt32LE(bitmaps + 2, DESCRIPTOR.inodeTable);
    descriptor.writeUInt16LE(blocksIn(geometry, group) - use.blocks, DESCRIPTOR.freeBlocks);
    descriptor.writeUInt16LE(geometry.inodesPerGroup - use.inodes, DESCRIPTOR.freeInodes);
    descriptor.writeUInt16LE(use.folders, DESCRIPTOR.folders);
  }
  return descriptors;
}

/** A block of bits: the first `used` are set, and those from `valid` on, which stand for nothing. */
function bitmap(used: number, valid: number): Buffer {
  const bits = Buffer.alloc(BLOCK);
  const set = (from: number, to: number): void => {
    for (let bit = from; bit < to; ) {
      if (bit % 8 === 0 && to - bit >= 8) {
        const bytes = (to - bit) >> 3;
        bits.fill(0xff, bit >> 3, (bit >> 3) + bytes);
        bit += bytes * 8;
      } else {
        bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
        bit++;
      }
    }
  };
  set(0, used);
  set(valid, BLOCK * 8);
  return bits;
}

/** Where a group's inode table begins, in bytes. */
export const inodeTableAt = (geometry: Geometry, group: number): number =>
  (groupStart(group) + overheadOf(geometry, group) - geometry.tableBlocks) * BLOCK;
