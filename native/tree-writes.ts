/**
 * Changes below a folder's descriptor: every `name` is a single entry of that folder, and no link is ever followed.
 * Every function throws an Error with `code`, as libc.ts says.
 */
import { dlopen } from "bun:ffi";
import { check, cString, type Descriptor, insist, LIBC, O_CLOEXEC, O_CREAT, O_RDWR, owned } from "./libc.ts";

const { symbols: libc } = dlopen(LIBC, {
  openat: { args: ["i32", "ptr", "i32", "u32"], returns: "i32" },
  mkdirat: { args: ["i32", "ptr", "u32"], returns: "i32" },
  mknodat: { args: ["i32", "ptr", "u32", "u64"], returns: "i32" },
  symlinkat: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
  unlinkat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  renameat: { args: ["i32", "ptr", "i32", "ptr"], returns: "i32" },
  fchownat: { args: ["i32", "ptr", "u32", "u32", "i32"], returns: "i32" },
  fchmod: { args: ["i32", "u32"], returns: "i32" },
  utimensat: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  futimens: { args: ["i32", "ptr"], returns: "i32" },
  fdatasync: { args: ["i32"], returns: "i32" },
  sync_file_range: { args: ["i32", "i64", "i64", "u32"], returns: "i32" },
  syncfs: { args: ["i32"], returns: "i32" },
});

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const AT_REMOVEDIR = 0x200;

/** A new empty file of mode 0600; EEXIST where something has the name. */
export function createIn(folder: number, name: string): Descriptor {
  const O_EXCL = 0o200;
  const O_NOFOLLOW = 0o400000;
  const flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  return owned(check(libc.openat(folder, cString(name), flags, 0o600), `create ${name}`));
}

export function makeFolderIn(folder: number, name: string): void {
  check(libc.mkdirat(folder, cString(name), 0o700), `mkdir ${name}`);
}

export function makeFifoIn(folder: number, name: string): void {
  const S_IFIFO = 0o010000;
  check(libc.mknodat(folder, cString(name), S_IFIFO | 0o600, 0), `mkfifo ${name}`);
}

/** Of a character device, with that number as stat(2) has it, and mode 0600. */
export function makeDeviceIn(
  folder: number,
  name: string,
  { major, minor }: { major: number; minor: number },
): void {
  const S_IFCHR = 0o020000;
  const number = (BigInt(major) << 8n) | BigInt(minor & 0xff) | (BigInt(minor & ~0xff) << 12n);
  check(libc.mknodat(folder, cString(name), S_IFCHR | 0o600, number), `mknod ${name}`);
}

export function makeLinkIn(folder: number, name: string, target: string): void {
  check(libc.symlinkat(cString(target), folder, cString(name)), `symlink ${name}`);
}

/** A second name for a file that is open. */
export function linkIn(fd: number, folder: number, name: string): void {
  const AT_FDCWD = -100;
  const AT_SYMLINK_FOLLOW = 0x400;
  const file = cString(`/proc/self/fd/${fd}`);
  check(libc.linkat(AT_FDCWD, file, folder, cString(name), AT_SYMLINK_FOLLOW), `link ${name}`);
}

export function renameIn(folder: number, from: string, to: string): void {
  check(libc.renameat(folder, cString(from), folder, cString(to)), `rename ${from}`);
}

export function removeFileIn(folder: number, name: string): void {
  check(libc.unlinkat(folder, cString(name), 0), `unlink ${name}`);
}

/** ENOTEMPTY where something is in it. */
export function removeFolderIn(folder: number, name: string): void {
  check(libc.unlinkat(folder, cString(name), AT_REMOVEDIR), `rmdir ${name}`);
}

export function setOwnerIn(folder: number, name: string, owner: { uid: number; gid: number }): void {
  check(libc.fchownat(folder, cString(name), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW), `chown ${name}`);
}

export function setOwner(fd: number, owner: { uid: number; gid: number }): void {
  check(libc.fchownat(fd, cString(""), owner.uid, owner.gid, AT_EMPTY_PATH), "chown");
}

export function setMode(fd: number, mode: number): void {
  check(libc.fchmod(fd, mode), "chmod");
}

/** The time of the last modification, in nanoseconds after 1970; the access time stays. */
export function setModifiedIn(folder: number, name: string, modified: bigint): void {
  const UTIME_OMIT = 0x3ffffffen;
  const BILLION = 1_000_000_000n;
  const times = new BigInt64Array([0n, UTIME_OMIT, modified / BILLION, modified % BILLION]);
  check(libc.utimensat(folder, cString(name), times, AT_SYMLINK_NOFOLLOW), `utimens ${name}`);
}

/** Sets both times of an open file to now. */
export function touch(fd: number): void {
  check(libc.futimens(fd, null), "utimens");
}

/** Returns when the file's data would survive the host's loss of power. */
export function syncData(fd: number): void {
  insist(() => libc.fdatasync(fd), "fdatasync");
}

/**
 * Has a part of a file written out meanwhile; `wait` until it is. That makes the wait at the end short, and promises nothing by itself
 * (sync_file_range(2)); where a file system can't, nothing is done.
 */
export function writeOut(fd: number, offset: number, length: number, { wait }: { wait: boolean }): void {
  const [WAIT_BEFORE, WRITE, WAIT_AFTER] = [1, 2, 4];
  libc.sync_file_range(fd, offset, length, wait ? WAIT_BEFORE | WRITE | WAIT_AFTER : WRITE);
}

/** The same of all of the file system that a file is on. */
export function syncFileSystem(fd: number): void {
  insist(() => libc.syncfs(fd), "syncfs");
}
