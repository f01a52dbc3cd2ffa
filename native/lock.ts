/** Locks of open files (flock(2)), and of parts of them. */
import { dlopen } from "bun:ffi";
import { LIBC, once } from "./libc.ts";

const libc = once(() => dlopen(LIBC, { flock: { args: ["i32", "i32"], returns: "i32" } }).symbols);

const fcntl = once(
  () => dlopen(LIBC, { fcntl: { args: ["i32", "i32", "ptr"], returns: "i32" } }).symbols.fcntl,
);

/** The lock goes with the last copy of the descriptor, in whatever process; false where somebody else has it, or for a shared one has it alone. */
export function tryLock(fd: number, { shared = false } = {}): boolean {
  const [LOCK_SH, LOCK_EX, LOCK_NB] = [1, 2, 4];
  return libc().flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0;
}

/** Tries for `patience` milliseconds. */
export function lockWithin(fd: number, patience: number, how?: { shared: boolean }): boolean {
  const deadline = performance.now() + patience;
  for (let pause = 1; !tryLock(fd, how); pause = Math.min(pause * 2, 50)) {
    if (performance.now() >= deadline) return false;
    Bun.sleepSync(pause);
  }
  return true;
}

/** The same for one byte of a file that is open for writing, of which each may be another's (F_OFD_SETLK, fcntl(2)). */
export function tryLockByte(fd: number, offset: number): boolean {
  const F_OFD_SETLK = 37;
  const F_WRLCK = 1;
  const lock = Buffer.alloc(32);
  lock.writeInt16LE(F_WRLCK, 0);
  lock.writeBigInt64LE(BigInt(offset), 8);
  lock.writeBigInt64LE(1n, 16);
  return fcntl()(fd, F_OFD_SETLK, lock) === 0;
}
