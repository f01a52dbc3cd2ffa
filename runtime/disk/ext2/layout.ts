/** ext2 as both the writer and the reader know it: offsets in its structures, and what stands there. */

export const SUPERBLOCK_AT = 1024;
export const SUPERBLOCK_SIZE = 1024;
export const MAGIC = 0xef53;
export const ROOT_INODE = 2;

/** Where fields of the superblock stand. */
export const SUPERBLOCK = {
  inodes: 0,
  blocks: 4,
  reservedBlocks: 8,
  freeBlocks: 12,
  freeInodes: 16,
  firstDataBlock: 20,
  logBlockSize: 24,
  logFragmentSize: 28,
  blocksPerGroup: 32,
  fragmentsPerGroup: 36,
  inodesPerGroup: 40,
  mountCountMost: 54,
  magic: 56,
  state: 58,
  onError: 60,
  revision: 76,
  firstInode: 84,
  inodeSize: 88,
  groupOfThis: 90,
  compatible: 92,
  incompatible: 96,
  readOnlyCompatible: 100,
  uuid: 104,
  label: 120,
} as const;

/** Bits of `state`. */
export const STATE = { clean: 1, errors: 2 } as const;

/** Bits of the three feature fields. */
export const FEATURE = { fileType: 0x2, sparseSuper: 0x1, largeFile: 0x2 } as const;

/** Of ext3 and ext4 too, by bit (e2fsprogs, ext2_fs.h). */
export const FEATURE_NAMES: Readonly<Record<"incompatible" | "readOnlyCompatible", Record<number, string>>> =
  {
    incompatible: {
      0: "compression",
      2: "a journal to replay",
      3: "journal_dev",
      4: "meta_bg",
      6: "extents",
      7: "64bit",
      8: "mmp",
      9: "flex_bg",
      13: "metadata_csum_seed",
      14: "large_dir",
      15: "inline_data",
      16: "encrypt",
      17: "casefold",
    },
    readOnlyCompatible: {
      3: "huge_file",
      4: "uninit_bg",
      5: "dir_nlink",
      6: "extra_isize",
      8: "quota",
      9: "bigalloc",
      10: "metadata_csum",
      13: "project",
    },
  };

export const DESCRIPTOR_SIZE = 32;

/** Where fields of a group's descriptor stand. */
export const DESCRIPTOR = {
  blockBitmap: 0,
  inodeBitmap: 4,
  inodeTable: 8,
  freeBlocks: 12,
  freeInodes: 14,
  folders: 16,
} as const;

/** Where fields of an inode stand. */
export const INODE = {
  mode: 0,
  uid: 2,
  size: 4,
  accessed: 8,
  changed: 12,
  modified: 16,
  gid: 24,
  links: 26,
  /** Units of 512 bytes. */
  sectors: 28,
  blocks: 40,
  sizeHigh: 108,
  uidHigh: 120,
  gidHigh: 122,
} as const;

export const DIRECT_BLOCKS = 12;
/** Bytes of an inode's block numbers; a shorter link's target stands there instead. */
export const INLINE_BYTES = 60;

/** Kinds as entries of folders have them. */
export const ENTRY_TYPE = {
  file: 1,
  folder: 2,
  character: 3,
  block: 4,
  fifo: 5,
  socket: 6,
  link: 7,
} as const;

export type Kind = keyof typeof ENTRY_TYPE;

/**
 * What the writer gives as the time of each inode's last change: an inode that still has it was not changed by the guest,
 * as a kernel sets that time with every change, and nobody can set it to a time of their own.
 */
export const UNTOUCHED = 1;

/** With `sparseSuper`: whether a group has a copy of the superblock and the descriptors. */
export function hasSuperblock(group: number): boolean {
  if (group <= 1) return true;
  return [3, 5, 7].some((base) => {
    let power: number = base;
    while (power < group) power *= base;
    return power === group;
  });
}
