/** An ext2 image that a guest wrote, and that may lie: each number is checked before something is read by it. */
import { readInto } from "../../../native/files.ts";
import { FileStatus } from "../../../native/tree-files.ts";
import { UnikrunError } from "../../error.ts";
import {
  DESCRIPTOR,
  DESCRIPTOR_SIZE,
  FEATURE,
  FEATURE_NAMES,
  MAGIC,
  STATE,
  SUPERBLOCK,
  SUPERBLOCK_AT,
  SUPERBLOCK_SIZE,
} from "./layout.ts";

export interface Image {
  readonly fd: number;
  /** Bytes. */
  readonly blockSize: number;
  readonly blocks: number;
  readonly inodes: number;
  readonly inodesPerGroup: number;
  /** Bytes. */
  readonly inodeSize: number;
  readonly firstInode: number;
  /** For each group, the first block of its inode table. */
  readonly tables: readonly number[];
  readonly clean: boolean;
}

/** `what` is a clause such as "its block size is 3". */
export function damaged(what: string): UnikrunError {
  return new UnikrunError(
    `The ext2 image that a guest wrote is damaged: ${what}; repair it with e2fsck, or remove it.`,
  );
}

/** What stands in a file: an ext2 file system that was unmounted in order, one that was not or has errors, or something else. */
export function ext2State(fd: number): "clean" | "unclean" | "other" {
  const superblock = readSuperblock(fd);
  if (!superblock) return "other";
  return isClean(superblock) ? "clean" : "unclean";
}

/** What NetBSD's ext2fs mounts; all else is refused by it, whether it reads or writes. */
const MOUNTABLE = {
  incompatible: FEATURE.fileType,
  readOnlyCompatible: FEATURE.sparseSuper | FEATURE.largeFile,
} as const;

/** A clause such as "extents, 64bit" of what a rump kernel can't mount; undefined for an ext2 and what is none. */
export function strangeFeatures(fd: number): string | undefined {
  const superblock = readSuperblock(fd);
  if (!superblock || superblock.readUInt32LE(SUPERBLOCK.revision) === 0) return undefined;
  const names = (["incompatible", "readOnlyCompatible"] as const).flatMap((field) => {
    const bits = superblock.readUInt32LE(SUPERBLOCK[field]) & ~MOUNTABLE[field];
    return Array.from({ length: 32 }, (_, bit) => bit).flatMap((bit) =>
      bits & (1 << bit) ? [FEATURE_NAMES[field][bit] ?? `${field} ${bit}`] : [],
    );
  });
  return names.length > 0 ? names.join(", ") : undefined;
}

function readSuperblock(fd: number): Buffer | null {
  const superblock = Buffer.alloc(SUPERBLOCK_SIZE);
  const count = readInto(fd, superblock, SUPERBLOCK_AT);
  return count === SUPERBLOCK_SIZE && superblock.readUInt16LE(SUPERBLOCK.magic) === MAGIC ? superblock : null;
}

function isClean(superblock: Buffer): boolean {
  const state = superblock.readUInt16LE(SUPERBLOCK.state);
  return (state & STATE.clean) !== 0 && (state & STATE.errors) === 0;
}

/** Throws a UnikrunError for what is no ext2, has features that we don't know, or contradicts itself. */
export function openImage(fd: number): Image {
  const superblock = readSuperblock(fd);
  if (!superblock) throw damaged("it has no superblock");
  checkFeatures(superblock);
  const get32 = (at: number): number => superblock.readUInt32LE(at);
  const blockSize =
    1024 * 2 ** within(get32(SUPERBLOCK.logBlockSize), 0, 2, "the logarithm of its block size");
  const perBitmap = blockSize * 8;
  const fits = Math.floor(new FileStatus().readOpen(fd).size / blockSize);
  const first = blockSize === 1024 ? 1 : 0;
  within(get32(SUPERBLOCK.firstDataBlock), first, first, "its first data block");
  const blocks = within(get32(SUPERBLOCK.blocks), first + 1, fits, "its number of blocks");
  const blocksPerGroup = within(get32(SUPERBLOCK.blocksPerGroup), 1, perBitmap, "its blocks per group");
  const inodesPerGroup = within(get32(SUPERBLOCK.inodesPerGroup), 1, perBitmap, "its inodes per group");
  const groups = Math.ceil((blocks - first) / blocksPerGroup);
  const inodes = within(get32(SUPERBLOCK.inodes), 1, groups * inodesPerGroup, "its number of inodes");
  const { inodeSize, firstInode } = revisionOf(superblock, inodes);
  const tableBlocks = Math.ceil((inodesPerGroup * inodeSize) / blockSize);
  const descriptors = Buffer.alloc(groups * DESCRIPTOR_SIZE);
  if (readInto(fd, descriptors, (first + 1) * blockSize) < descriptors.length)
    throw damaged("its group descriptors are cut off");
  const tables = Array.from({ length: groups }, (_, group) => {
    const at = descriptors.readUInt32LE(group * DESCRIPTOR_SIZE + DESCRIPTOR.inodeTable);
    return within(at, first + 1, blocks - tableBlocks, `the inode table of group ${group}`);
  });
  const clean = isClean(superblock);
  return { fd, blockSize, blocks, inodes, inodesPerGroup, inodeSize, firstInode, tables, clean };
}

function checkFeatures(superblock: Buffer): void {
  // Attributes, space for growing, indexes of folders: who only reads does not see them.
  const HARMLESS = 0x38;
  const KNOWN = [
    [SUPERBLOCK.compatible, HARMLESS],
    [SUPERBLOCK.incompatible, FEATURE.fileType],
    [SUPERBLOCK.readOnlyCompatible, FEATURE.sparseSuper | FEATURE.largeFile],
  ] as const;
  if (superblock.readUInt32LE(SUPERBLOCK.revision) === 0) return;
  for (const [at, known] of KNOWN) {
    const unknown = superblock.readUInt32LE(at) & ~known;
    if (unknown !== 0)
      throw damaged(`it has features that unikrun does not know (0x${(unknown >>> 0).toString(16)})`);
  }
}

function revisionOf(superblock: Buffer, inodes: number): { inodeSize: number; firstInode: number } {
  const FIRST = { inodeSize: 128, firstInode: 11 };
  const revision = within(superblock.readUInt32LE(SUPERBLOCK.revision), 0, 1, "its revision");
  if (revision === 0) return FIRST;
  const inodeSize = superblock.readUInt16LE(SUPERBLOCK.inodeSize);
  if (inodeSize !== 128 && inodeSize !== 256) throw damaged(`its inodes have ${inodeSize} bytes`);
  const firstInode = superblock.readUInt32LE(SUPERBLOCK.firstInode);
  return { inodeSize, firstInode: within(firstInode, FIRST.firstInode, inodes, "its first inode") };
}

/** Gives the value, or throws. */
export function within(value: number, least: number, most: number, what: string): number {
  if (value >= least && value <= most) return value;
  throw damaged(`${what} is ${value}`);
}
