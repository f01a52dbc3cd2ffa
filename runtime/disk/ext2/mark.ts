import { readInto } from "../../../native/files.ts";
import { writeAt } from "../../../native/tree-files.ts";
import { openImage } from "./image.ts";
import { INODE, UNTOUCHED } from "./layout.ts";

/** Makes every inode one that nobody touched, as `writeExt2` leaves them: from now on changes are counted anew. */
export function markUntouched(fd: number): void {
  const { blockSize, inodes, inodesPerGroup, inodeSize, tables } = openImage(fd);
  const table = Buffer.alloc(inodesPerGroup * inodeSize);
  for (const [group, block] of tables.entries()) {
    const at = block * blockSize;
    readInto(fd, table, at);
    const count = Math.min(inodesPerGroup, inodes - group * inodesPerGroup);
    for (let place = 0; place < count * inodeSize; place += inodeSize) {
      const isUsed = table.readUInt16LE(place + INODE.links) > 0;
      if (!isUsed || table.readUInt32LE(place + INODE.changed) === UNTOUCHED) continue;
      table.writeUInt32LE(UNTOUCHED, place + INODE.changed);
      writeAt(fd, table.subarray(place, place + inodeSize), at + place);
    }
  }
}
