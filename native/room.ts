import { dlopen } from "bun:ffi";
import { check, LIBC, once } from "./libc.ts";

const libc = once(() => dlopen(LIBC, { fstatfs: { args: ["i32", "ptr"], returns: "i32" } }).symbols);

/** Bytes that are left where a file is, quotas of folders counted in; Infinity where the file system does not say. */
export function roomAt(fd: number): number {
  // struct statfs of 64-bit machines: f_type, f_bsize, f_blocks, f_bfree, f_bavail.
  const status = Buffer.alloc(256);
  check(libc().fstatfs(fd, status), "statfs");
  const [size, all, free] = [8, 16, 32].map((at) => Number(status.readBigUInt64LE(at)));
  return all === 0 ? Number.POSITIVE_INFINITY : (size ?? 0) * (free ?? 0);
}
