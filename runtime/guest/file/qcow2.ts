/** As much of qcow2 (QEMU's docs/interop/qcow2.txt) as reads a disk's first sectors. */
import type { KernelFile } from "./kernel-file.ts";

const MAGIC = Buffer.from("QFI\xfb", "latin1");

export const isQcow2 = (file: KernelFile): boolean => file.read(0, 4).equals(MAGIC);

interface Qcow2 {
  /** Of the disk, in bytes. */
  readonly size: number;
  /** Shorter at the disk's end only. Throws an Error where the file is damaged. */
  read(offset: number, length: number): Buffer;
}

/** Bits of the incompatible features, each with what a file has that has it. */
const FEATURES: readonly (readonly [bit: bigint, what: string])[] = [
  [1n << 1n, "is marked as corrupt"],
  [1n << 2n, "has its data in another file"],
  [1n << 3n, "is compressed with another method than zlib"],
  [1n << 4n, "has subclusters"],
];

/** `why` is a clause: it can't be read, or names other files, which are never opened. */
export function readQcow2(file: KernelFile): Qcow2 | { readonly why: string } {
  const header = file.read(0, 104);
  const version = header.length >= 72 ? header.readUInt32BE(4) : 0;
  if (version !== 2 && version !== 3) return { why: "it is a qcow2 file of an unknown version" };
  const word = (at: number): number => Number(header.readBigUInt64BE(at));
  if (word(8) !== 0) return { why: `${CONVERT}: it needs another file, its backing file` };
  if (header.readUInt32BE(32) !== 0) return { why: `${CONVERT}: it is encrypted` };
  const features = version === 3 && header.length >= 80 ? header.readBigUInt64BE(72) : 0n;
  const [, what] = FEATURES.find(([bit]) => (features & bit) !== 0n) ?? [];
  if (what !== undefined) return { why: `${CONVERT}: it ${what}` };
  const [clusterBits, size, tableAt] = [header.readUInt32BE(20), word(24), word(40)];
  if (clusterBits < 9 || clusterBits > 21) return { why: "it is a damaged qcow2 file" };
  const cluster = 2 ** clusterBits;
  const read = (offset: number, length: number): Buffer => {
    const pieces: Buffer[] = [];
    const end = Math.min(size, offset + length);
    for (let at = offset; at < end; ) {
      const within = at % cluster;
      const take = Math.min(cluster - within, end - at);
      pieces.push(readCluster(file, { clusterBits, tableAt, at }).subarray(within, within + take));
      at += take;
    }
    return Buffer.concat(pieces);
  };
  return { size, read };
}

const CONVERT = "it is a qcow2 file that has to be made plain by qemu-img convert";

/** Where something is in the file. */
const PLACE = 0x00fffffffffffe00n;
const COMPRESSED = 1n << 62n;
const ZERO = 1n;

function readCluster(
  file: KernelFile,
  { clusterBits, tableAt, at }: { clusterBits: number; tableAt: number; at: number },
): Buffer {
  const cluster = 2 ** clusterBits;
  const entries = cluster / 8;
  const index = Math.floor(at / cluster);
  const second = entryAt(file, tableAt + 8 * Math.floor(index / entries)) & PLACE;
  const entry = second === 0n ? 0n : entryAt(file, Number(second) + 8 * (index % entries));
  if (entry & COMPRESSED) return inflated(file, clusterBits, entry);
  const place = entry & ZERO ? 0n : entry & PLACE;
  if (place === 0n) return Buffer.alloc(cluster);
  const bytes = file.read(Number(place), cluster);
  // The last may be cut short.
  return bytes.length === cluster ? bytes : Buffer.concat([bytes, Buffer.alloc(cluster - bytes.length)]);
}

/** A compressed cluster's entry: where it begins, to the byte, and how many more sectors of 512 bytes it takes. */
function inflated(file: KernelFile, clusterBits: number, entry: bigint): Buffer {
  const bits = BigInt(62 - (clusterBits - 8));
  const start = Number(entry & ((1n << bits) - 1n));
  const sectors = Number((entry & (COMPRESSED - 1n)) >> bits) + 1;
  const packed = file.read(start, sectors * 512 - (start % 512));
  // Loaded here, since few files need it, and it takes as long as all else that a start loads.
  const { inflateRawSync } = process.getBuiltinModule("node:zlib");
  const bytes = inflateRawSync(packed, { maxOutputLength: 2 ** clusterBits });
  if (bytes.length !== 2 ** clusterBits) throw new Error("a compressed cluster is cut short");
  return bytes;
}

function entryAt(file: KernelFile, at: number): bigint {
  const bytes = file.read(at, 8);
  if (bytes.length < 8) throw new Error("a table is not within the file");
  return bytes.readBigUInt64BE(0);
}
