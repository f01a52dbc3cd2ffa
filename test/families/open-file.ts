import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { KernelFile } from "../../runtime/guest/file/kernel-file.ts";

/** A file of this system, read as a kernel would be. */
export function openFile(path: string): KernelFile & Disposable {
  const fd = openSync(path, "r");
  const { size } = fstatSync(fd);
  return {
    path,
    size,
    read(offset, length) {
      const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
      return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, offset));
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}
