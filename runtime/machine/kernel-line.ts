/** A kernel's command line in the guest's memory, where our firmware looks for it (native/firmware/multiboot.c). */
import { UnikrunError } from "../error.ts";
import { KERNEL_PATH } from "./command-line.ts";

/** The guest's physical address of commandLineBlob's bytes (native/firmware/layout.h). */
export const COMMAND_LINE_ADDRESS = 0x10000;

/** Bytes: the place ends at 0x90000, before what a BIOS has at the end of its 640 KiB. */
const ROOM = 0x80000;
const HEADER = 8;
/** "UKCL", least significant byte first. */
const MAGIC = 0x4c43_4b55;

/**
 * A kernel's command line for a machine that our firmware boots, written into the guest's memory before it runs first. It counts in
 * place of QEMU's `-append`, and the guest sees the same bytes, the kernel's path in the cage before them. Numbers of 32 bits, least
 * significant byte first: the magic word, the text's length; then the text, and a NUL. Throws UnikrunError for text with a NUL, or of
 * more than 524,279 bytes with that path.
 */
export function commandLineBlob(bootArguments: string): Uint8Array {
  const text = Buffer.from(`/${KERNEL_PATH} ${bootArguments}`);
  if (text.includes(0))
    throw new UnikrunError("A kernel's command line can't have a NUL in it: take it out.");
  if (HEADER + text.length + 1 > ROOM) {
    throw new UnikrunError(
      `A kernel's command line can't be longer than ${ROOM - HEADER - 1} bytes, and this one has ${text.length}: shorten it.`,
    );
  }
  const blob = Buffer.alloc(HEADER + text.length + 1);
  blob.writeUInt32LE(MAGIC, 0);
  blob.writeUInt32LE(text.length, 4);
  text.copy(blob, HEADER);
  return blob;
}
