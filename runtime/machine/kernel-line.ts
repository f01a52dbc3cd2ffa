import { UnikrunError } from "../error.ts";
import { KERNEL_PATH } from "./command-line.ts";

/** Bytes that the text may have with its NUL (native/firmware/layout.h and multiboot.c). */
const ROOM = 0x80000 - 8;

/**
 * The kernel's command line as init writes it into the guest's memory for our firmware: the same bytes that QEMU makes of `-append`, the
 * kernel's path in the cage before them. Throws UnikrunError for text with a NUL, or too long.
 */
export function kernelLine(bootArguments: string): string {
  const text = `/${KERNEL_PATH} ${bootArguments}`;
  const length = Buffer.byteLength(text);
  if (text.includes("\0"))
    throw new UnikrunError("A kernel's command line can't have a NUL in it: take it out.");
  if (length < ROOM) return text;
  throw new UnikrunError(
    `A kernel's command line can't be longer than ${ROOM - 1} bytes, and this one has ${length}: shorten it.`,
  );
}
