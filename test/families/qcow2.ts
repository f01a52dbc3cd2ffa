/** Raw disks as qcow2 files (QEMU's docs/interop/qcow2.txt), as qemu-img would make them. */
import { deflateRawSync } from "node:zlib";

const SECTOR = 512;
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;

/** Header, reference counts, the first table, its tables, and then the disk; QEMU takes those of whole clusters, whose counts are right. */
export function asQcow2(disk: Buffer, { clusterBits = 16, isCompressed = false } = {}): Buffer {
  const cluster = 1 << clusterBits;
  const clusters = Math.ceil(disk.length / cluster);
  const perTable = cluster / 8;
  const tables = Math.ceil(clusters / perTable);
  const first = 3;
  const firstSize = Math.ceil((8 * tables) / cluster);
  const head = Buffer.alloc((first + firstSize + tables) * cluster);
  head.write("QFI\xfb", 0, "latin1");
  head.writeUInt32BE(3, 4);
  head.writeUInt32BE(clusterBits, 20);
  head.writeBigUInt64BE(BigInt(disk.length), 24);
  head.writeUInt32BE(tables, 36);
  head.writeBigUInt64BE(BigInt(first * cluster), 40);
  head.writeBigUInt64BE(BigInt(cluster), 48);
  head.writeUInt32BE(1, 56);
  head.writeUInt32BE(4, 96);
  head.writeUInt32BE(104, 100);
  head.writeBigUInt64BE(BigInt(2 * cluster), cluster);
  const used = head.length / cluster + clusters;
  for (let each = 0; each < Math.min(used, cluster / 2); each++)
    head.writeUInt16BE(1, 2 * cluster + 2 * each);
  for (let table = 0; table < tables; table++) {
    const place = (first + firstSize + table) * cluster;
    head.writeBigUInt64BE(COPIED | BigInt(place), first * cluster + 8 * table);
  }
  let end = head.length;
  const pieces = Array.from({ length: clusters }, (_, index) => {
    const plain = Buffer.alloc(cluster);
    disk.copy(plain, 0, index * cluster, (index + 1) * cluster);
    const piece = isCompressed ? deflateRawSync(plain) : plain;
    const sectors = BigInt(Math.ceil(((end % SECTOR) + piece.length) / SECTOR) - 1);
    const sectorsAt = BigInt(62 - (clusterBits - 8));
    const entry = isCompressed ? COMPRESSED | (sectors << sectorsAt) | BigInt(end) : COPIED | BigInt(end);
    head.writeBigUInt64BE(entry, (first + firstSize) * cluster + 8 * index);
    end += piece.length;
    return piece;
  });
  return Buffer.concat([head, ...pieces, Buffer.alloc(isCompressed ? SECTOR : 0)]);
}
