/** Disks with test/guest/disk's code, which a machine boots from. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { findMultiboot, multibootImage } from "../../runtime/guest/file/multiboot.ts";

const GUESTS = resolve(import.meta.dirname, "../../build/guest");

const SECTOR = 512;
/** In sectors, as the code has them. */
const PLACE = { orders: 16, line: 17, partition: 64, kernel: 128 };
const KERNEL_AT = PLACE.kernel * SECTOR;

export interface Orders {
  /** What it says of itself. */
  readonly text?: string;
  /** It ends with the code at once, or when ACPI's power button is pressed; "probe": it becomes the probe guest, with that command line. */
  readonly does: { readonly code: number; readonly button?: true } | { readonly probe: string };
  /** The word of Nanos's manifest by which it switches off as well with ACPI as without. */
  readonly debugExit?: true;
}

/** A raw disk of 1 MiB with one partition that has Nanos's mark. */
export function makeBootDisk({ text = "ours", does, debugExit }: Orders): Buffer {
  const disk = Buffer.alloc(1 << 20);
  readFileSync(`${GUESTS}/disk.bin`).copy(disk);
  const entry = 446;
  disk.writeUInt8(0x83, entry + 4);
  disk.writeUInt32LE(PLACE.partition, entry + 8);
  disk.writeUInt32LE(disk.length / SECTOR - PLACE.partition, entry + 12);
  const partition = PLACE.partition * SECTOR;
  disk.write("NVMTFS\x05\x01", partition, "latin1");
  if (debugExit) disk.write("\x88\x0adebug_exit\xc1t", partition + 100, "latin1");
  const orders = disk.subarray(PLACE.orders * SECTOR);
  orders.write(`${text}\0`, 16, "latin1");
  if ("code" in does) {
    orders.write(does.button ? "W" : "E");
    orders.writeUInt8(does.code, 1);
    return disk;
  }
  orders.write("P");
  const kernel = readFileSync(`${GUESTS}/probe.bin`);
  const header = findMultiboot(kernel);
  const [image, piece] = header
    ? [multibootImage(header, kernel.length), multibootImage(header, kernel.length).pieces[0]]
    : [];
  if (!image || !piece || image.pieces.length > 1) throw new Error("the probe guest has more than one piece");
  kernel.copy(disk, KERNEL_AT, piece.offset, piece.offset + piece.size);
  orders.writeUInt16LE(Math.ceil(piece.size / SECTOR), 2);
  orders.writeUInt32LE(piece.address, 4);
  orders.writeUInt32LE(image.entry, 8);
  disk.write(`probe ${does.probe}\0`, PLACE.line * SECTOR);
  return disk;
}
