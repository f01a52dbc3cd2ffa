import { dlopen } from "bun:ffi";
import { check, LIBC, once } from "./libc.ts";

const libc = once(() => dlopen(LIBC, { fstatfs: { args: ["i32", "ptr"], returns: "i32" } }).symbols);

/** Whether a file is on a file system that is in memory alone (statfs(2): tmpfs, ramfs). */
export const isInMemory = (fd: number): boolean =>
  [0x01021994n, 0x858458f6n].includes(statusOf(fd).readBigUInt64LE(0));

/** Bytes that are left where a file is, quotas of folders counted in; Infinity where the file system does not say. */
export function roomAt(fd: number): number {
  // struct statfs of 64-bit machines: f_type, f_bsize, f_blocks, f_bfree, f_bavail.
  const status = statusOf(fd);
  const [size, all, free] = [8, 16, 32].map((at) => Number(status.readBigUInt64LE(at)));
  return all === 0 ? Number.POSITIVE_INFINITY : (size ?? 0) * (free ?? 0);
}

function statusOf(fd: number): Buffer {
  const status = Buffer.alloc(256);
  check(libc().fstatfs(fd, status), "statfs");
  return status;
}
