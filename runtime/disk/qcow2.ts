/** Disks in qcow2 files (QEMU's docs/interop/qcow2.txt): which they are, what is refused, and an empty one. */
import { readAt } from "../../native/files.ts";
import { UnikrunError } from "../error.ts";

const MAGIC = Buffer.from("QFI\xfb", "latin1");

export const isQcow2 = (fd: number): boolean => readAt(fd, 0, 4).equals(MAGIC);

/** Bytes of the disk in such a file. */
export const sizeInQcow2 = (fd: number): number => Number(readAt(fd, 24, 8).readBigUInt64BE(0));

/** Whoever wrote a qcow2 file may have named other files of the host in it. */
export function refuseReferences(containerId: string, source: string, fd: number): void {
  const header = readAt(fd, 0, 104);
  const backing = header.length >= 16 && header.readBigUInt64BE(8) !== 0n;
  const EXTERNAL_DATA = 0x4n;
  const external =
    header.length >= 80 && header.readUInt32BE(4) >= 3 && (header.readBigUInt64BE(72) & EXTERNAL_DATA) !== 0n;
  if (!backing && !external) return;
  throw new UnikrunError(
    `Container ${containerId}: the disk ${source} needs another file (${backing ? "a backing file" : "an external data file"}), which its machine does not get: make one file of it (qemu-img convert).`,
  );
}

const CLUSTER_BITS = 16;
const CLUSTER = 1 << CLUSTER_BITS;

/** Bytes of a disk: its table of tables has 1 MiB then. */
export const LARGEST_OVERLAY = 64 * 2 ** 40;

/** Bytes of the disk that one entry of the first table is for. */
const PER_ENTRY = (CLUSTER / 8) * CLUSTER;

/**
 * All of an empty file, which has what differs from a disk of so many bytes below it: header, table of reference counts, a block of
 * them, and the first table. What is below is not named, since only its machine says it.
 */
export function overlayHead(bytes: number): Buffer {
  const SECTOR = 512;
  const entries = Math.max(1, Math.ceil(bytes / PER_ENTRY));
  const [countsTable, counts, table] = [1, 2, 3];
  const clusters = table + Math.ceil((entries * 8) / CLUSTER);
  const head = Buffer.alloc(clusters * CLUSTER);
  MAGIC.copy(head);
  head.writeUInt32BE(3, 4);
  head.writeUInt32BE(CLUSTER_BITS, 20);
  head.writeBigUInt64BE(BigInt(Math.ceil(bytes / SECTOR) * SECTOR), 24);
  head.writeUInt32BE(entries, 36);
  head.writeBigUInt64BE(BigInt(table * CLUSTER), 40);
  head.writeBigUInt64BE(BigInt(countsTable * CLUSTER), 48);
  head.writeUInt32BE(1, 56);
  // Counts of 16 bits, and the header's own length.
  head.writeUInt32BE(4, 96);
  head.writeUInt32BE(104, 100);
  head.writeBigUInt64BE(BigInt(counts * CLUSTER), countsTable * CLUSTER);
  for (let cluster = 0; cluster < clusters; cluster++) head.writeUInt16BE(1, counts * CLUSTER + 2 * cluster);
  return head;
}
