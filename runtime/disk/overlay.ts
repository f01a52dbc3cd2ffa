/** An empty qcow2 file (QEMU's docs/interop/qcow2.txt), which has what differs from a disk below it. */

const CLUSTER_BITS = 16;
const CLUSTER = 1 << CLUSTER_BITS;

/** Bytes of a disk: its table of tables has 1 MiB then. */
export const LARGEST_OVERLAY = 64 * 2 ** 40;

/** Bytes of the disk that one entry of the first table is for. */
const PER_ENTRY = (CLUSTER / 8) * CLUSTER;

/**
 * The file's beginning, all that it has, for a disk of so many bytes: header, table of reference counts, a block of them, and the first
 * table. What is below is not named, since only its machine says it.
 */
export function overlayHead(bytes: number): Buffer {
  const SECTOR = 512;
  const entries = Math.max(1, Math.ceil(bytes / PER_ENTRY));
  const [countsTable, counts, table] = [1, 2, 3];
  const clusters = table + Math.ceil((entries * 8) / CLUSTER);
  const head = Buffer.alloc(clusters * CLUSTER);
  head.write("QFI\xfb", 0, "latin1");
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
