/** A disk image as a guest's file: raw, or qcow2, of which a machine would read the same. */
import type { KernelFile } from "./kernel-file.ts";
import { isQcow2, readQcow2 } from "./qcow2.ts";

export interface DiskImage {
  readonly format: "raw" | "qcow2";
  /** Of the disk that a guest sees, in bytes. */
  readonly size: number;
  /** Where its partitions begin, in bytes, in the order of its MBR. */
  readonly partitions: readonly number[];
  /** What a guest reads there: of qcow2 no more than that of one read. */
  read(offset: number, length: number): Buffer;
}

/** `why` is a clause for an error's sentence. */
export type DiskReading =
  | { readonly kind: "disk"; readonly disk: DiskImage }
  | { readonly kind: "other" }
  | { readonly kind: "bad"; readonly why: string };

/** A raw disk is one with an MBR's signature; without, nothing shows that a file is a disk. */
export function readDisk(file: KernelFile): DiskReading {
  if (!isQcow2(file)) {
    const partitions = partitionsOf(file);
    return partitions
      ? {
          kind: "disk",
          disk: { format: "raw", size: file.size, partitions, read: (at, size) => file.read(at, size) },
        }
      : { kind: "other" };
  }
  const reading = readQcow2(file);
  if ("why" in reading) return { kind: "bad", why: reading.why };
  try {
    const partitions = partitionsOf(reading) ?? [];
    return { kind: "disk", disk: { ...reading, format: "qcow2", partitions } };
  } catch {
    return { kind: "bad", why: "it is a damaged qcow2 file: its first sector can't be read" };
  }
}

const SECTOR = 512;
const SIGNATURE = 0xaa55;
const TABLE = { at: 446, entries: 4, entrySize: 16 };

/** Null without an MBR. */
function partitionsOf(disk: Pick<DiskImage, "size" | "read">): number[] | null {
  const sector = disk.read(0, SECTOR);
  if (sector.length < SECTOR || sector.readUInt16LE(SECTOR - 2) !== SIGNATURE) return null;
  return Array.from({ length: TABLE.entries }, (_, index) => TABLE.at + index * TABLE.entrySize)
    .filter((at) => sector.readUInt8(at + 4) !== 0)
    .map((at) => sector.readUInt32LE(at + 8) * SECTOR)
    .filter((start) => start > 0 && start < disk.size);
}
