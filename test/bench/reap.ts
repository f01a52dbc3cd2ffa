import { dlopen } from "bun:ffi";

const { symbols } = dlopen("libc.so.6", { waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" } });

/** Takes leave of all orphans that have ended. */
export function reapAll(): void {
  const WNOHANG = 1;
  while (symbols.waitpid(-1, null, WNOHANG) > 0);
}

/** Waits for a child that somebody else made and left to us; its exit code, or 128 and the signal that ended it. */
export function reap(pid: number): number {
  const status = new Int32Array(1);
  if (symbols.waitpid(pid, status, 0) !== pid) throw new Error(`pid ${pid} is no child of ours`);
  const word = status[0] ?? 0;
  const signal = word & 0x7f;
  return signal === 0 ? (word >> 8) & 0xff : 128 + signal;
}
