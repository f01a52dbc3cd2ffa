/** How large a volume's disk may be: no larger than what its folder and the store have room for. */
import { statusOfFile } from "../../native/files.ts";
import { errorCode } from "../../native/libc.ts";
import { roomAt } from "../../native/room.ts";
import { ext2Bytes } from "./ext2/writer.ts";
import type { Folder } from "./tree.ts";

/** Inodes of a disk cost time at every check of it. */
const MOST_INODES = 65_536;
const LEAST_INODES = 1024;

export interface VolumeSize {
  readonly bytes: number;
  readonly inodes: number;
}

/** Bytes that a guest can add to a folder, whose disk is `disk`: what it writes is there twice, as a rule on one file system. */
export function roomFor({ folder, disk }: { folder: number; disk: number }): number {
  const isShared = statusOfFile(folder).device === statusOfFile(disk).device;
  const room = isShared ? roomAt(folder) / 2 : Math.min(roomAt(folder), roomAt(disk));
  // In steps of a sixteenth, so that the disk is not made anew whenever somebody has written a file elsewhere.
  const step = 2 ** Math.max(12, Math.floor(Math.log2(Math.max(1, room))) - 4);
  return room === Number.POSITIVE_INFINITY ? room : Math.floor(room / step) * step;
}

/** `wanted` bytes, or twice what the tree takes, as far as there is room. */
export function volumeSize(tree: Folder, { wanted, room }: { wanted: number; room: number }): VolumeSize {
  const BLOCK = 4096;
  const inodes = Math.min(MOST_INODES, Math.max(LEAST_INODES, Math.floor(room / BLOCK)));
  const least = ext2Bytes(tree, inodes);
  return { bytes: Math.min(Math.max(wanted, least * 2), least + room), inodes };
}

/** Whether that is why something could not be written. */
export const isFull = (error: unknown): boolean => ["ENOSPC", "EDQUOT"].includes(errorCode(error));
