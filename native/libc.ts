/**
 * What all system calls share. Everything here goes to libc by FFI: that costs 0.2 ms in a process's life, where the first
 * import of node:fs costs 3 ms, node:crypto 4 ms, node:os and node:util 2 ms, in every call of the runtime.
 */
import { dlopen, read } from "bun:ffi";
import { errnoName } from "./errno.ts";
import { bytesOf } from "./names.ts";

export const LIBC = "libc.so.6";

const libc = once(
  () =>
    dlopen(LIBC, {
      __errno_location: { args: [], returns: "ptr" },
      strerror: { args: ["i32"], returns: "cstring" },
      open: { args: ["ptr", "i32", "i32"], returns: "i32" },
      close: { args: ["i32"], returns: "i32" },
      fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    }).symbols,
);

/** Makes a thing when it is first asked for: a library's symbols cost 0.1 ms, and few calls need them all. */
export function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Throws bun:ffi's TypeError where there can be no calls at all; later it would be taken for a file's absence. */
export const loadLibc = (): void => void libc();

/** The result of a call that is negative on failure; then throws an Error with `code` ("EPERM") and `errno`. */
export function check(result: number | bigint, call: string): number {
  if (Number(result) >= 0) return Number(result);
  const location = libc().__errno_location();
  const errno = location ? read.i32(location, 0) : 0;
  throw systemError(errno, `${call}: ${libc().strerror(errno)}`);
}

/** As check(), of a call that may take its time: a debugger, Ctrl-Z or a frozen cgroup interrupts it (EINTR), and it is made again. */
export function insist(call: () => number | bigint, name: string): number {
  for (;;) {
    try {
      return check(call(), name);
    } catch (error) {
      if (errorCode(error) !== "EINTR") throw error;
    }
  }
}

export function systemError(errno: number, message: string): Error {
  return Object.assign(new Error(message), { errno, code: errnoName(errno) });
}

/** The `code` of a thrown system error, such as "ENOENT"; "" for anything else. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** For an argument that C takes as a string. */
export function cString(text: string): Buffer {
  if (text.includes("\0")) throw new Error(`${JSON.stringify(text)} has a NUL character in it`);
  return bytesOf(`${text}\0`);
}

/** A descriptor that `using` closes. */
export interface Descriptor extends Disposable {
  readonly fd: number;
}

export function owned(fd: number): Descriptor {
  return { fd, [Symbol.dispose]: () => void libc().close(fd) };
}

/** Another descriptor of the same open file; locks are the file's. */
export function duplicate(fd: number): number {
  const F_DUPFD_CLOEXEC = 1030;
  return check(libc().fcntl(fd, F_DUPFD_CLOEXEC, 3), "fcntl");
}

/** Keeps a descriptor open across execve(2). */
export function setInheritable(fd: number): void {
  const F_SETFD = 2;
  check(libc().fcntl(fd, F_SETFD, 0), "fcntl");
}

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_TRUNC = 0o1000;
export const O_NOCTTY = 0o400;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
/** For a descriptor that only names a file. */
export const O_PATH = 0o10000000;

export function openPath(path: string, flags: number, mode = 0): number {
  return insist(() => libc().open(cString(path), flags | O_CLOEXEC, mode), `open ${path}`);
}
