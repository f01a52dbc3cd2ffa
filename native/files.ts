/** Files and folders, synchronously. Every function throws an Error with `code` ("ENOENT"), as libc.ts says. */
import { CString, dlopen, type Pointer, read } from "bun:ffi";
import {
  check,
  cString,
  errorCode,
  insist,
  LIBC,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  once,
  openPath,
  owned,
} from "./libc.ts";
import { parentOf } from "./paths.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      read: { args: ["i32", "ptr", "u64"], returns: "i64" },
      write: { args: ["i32", "ptr", "u64"], returns: "i64" },
      access: { args: ["ptr", "i32"], returns: "i32" },
    }).symbols,
);

/** What `state` and `kill` do without. */
const more = once(
  () =>
    dlopen(LIBC, {
      pread: { args: ["i32", "ptr", "u64", "i64"], returns: "i64" },
      mkdir: { args: ["ptr", "u32"], returns: "i32" },
      rmdir: { args: ["ptr"], returns: "i32" },
      unlink: { args: ["ptr"], returns: "i32" },
      rename: { args: ["ptr", "ptr"], returns: "i32" },
      readlink: { args: ["ptr", "ptr", "u64"], returns: "i64" },
      realpath: { args: ["ptr", "ptr"], returns: "ptr" },
      statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
      opendir: { args: ["ptr"], returns: "ptr" },
      readdir: { args: ["ptr"], returns: "ptr" },
      closedir: { args: ["ptr"], returns: "i32" },
      syscall: { args: ["i64", "i64", "ptr", "ptr", "i64"], returns: "i64" },
    }).symbols,
);

const PATH_MAX = 4096;

export function readText(path: string): string {
  using file = owned(openPath(path, O_RDONLY));
  return readAll(file.fd).toString();
}

/** The text, or null where the file can't be read for whatever reason. */
export const readTextOrNull = (path: string): string | null => readBytesOrNull(path)?.toString() ?? null;

export function readBytesOrNull(path: string): Buffer | null {
  try {
    using file = owned(openPath(path, O_RDONLY));
    return readAll(file.fd);
  } catch {
    return null;
  }
}

/** All that is left to read; files of /proc have no size. */
function readAll(fd: number): Buffer {
  let data = Buffer.alloc(16384);
  let used = 0;
  for (;;) {
    if (used === data.length) data = Buffer.concat([data, Buffer.alloc(data.length)]);
    const rest = data.subarray(used);
    const count = insist(() => libc().read(fd, rest, rest.length), "read");
    if (count === 0) return data.subarray(0, used);
    used += count;
  }
}

/** Up to `length` bytes from `offset`; fewer at the end of the file. */
export function readAt(fd: number, offset: number, length: number): Buffer {
  const data = Buffer.alloc(length);
  return data.subarray(0, readInto(fd, data, offset));
}

/** Fills `data` as far as the file goes; gives the bytes read. */
export function readInto(fd: number, data: Uint8Array, offset: number): number {
  const { pread } = more();
  let used = 0;
  while (used < data.byteLength) {
    const rest = data.subarray(used);
    const count = insist(() => pread(fd, rest, rest.byteLength, offset + used), "read");
    if (count === 0) break;
    used += count;
  }
  return used;
}

/** Makes or replaces a file. */
export function writeText(path: string, text: string, mode = 0o600): void {
  writeBytes(path, Buffer.from(text), mode);
}

/** Behind what a file has, which it makes if there is none. */
export function appendText(path: string, text: string, mode = 0o600): void {
  using file = owned(openPath(path, O_WRONLY | O_CREAT | O_APPEND, mode));
  writeAll(file.fd, Buffer.from(text));
}

export function writeBytes(path: string, data: Uint8Array, mode = 0o600): void {
  using file = owned(openPath(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  writeAll(file.fd, data);
}

/** Writes to a file that exists, in one write, as the kernel's control files want it. */
export function writeControl(path: string, text: string): void {
  using file = owned(openPath(path, O_WRONLY));
  const data = Buffer.from(text);
  insist(() => libc().write(file.fd, data, data.length), `write ${path}`);
}

export function writeAll(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.byteLength; ) {
    const rest = data.subarray(done);
    done += insist(() => libc().write(fd, rest, rest.byteLength), "write");
  }
}

export function exists(path: string): boolean {
  const F_OK = 0;
  return libc().access(cString(path), F_OK) === 0;
}

export function makeFolder(path: string, mode = 0o755): void {
  check(more().mkdir(cString(path), mode), `mkdir ${path}`);
}

/** Makes a folder and those above it that are not there. */
export function makeFolders(path: string, mode = 0o755): void {
  try {
    makeFolder(path, mode);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    const parent = parentOf(path);
    if (errorCode(error) !== "ENOENT" || parent === "/") throw error;
    makeFolders(parent, mode);
    makeFolder(path, mode);
  }
}

export function removeFolder(path: string): void {
  check(more().rmdir(cString(path)), `rmdir ${path}`);
}

export function removeFile(path: string): void {
  check(more().unlink(cString(path)), `unlink ${path}`);
}

/** Removes a folder with the files in it, but no folders; one that is gone is fine. */
export function removeFlatFolder(path: string): void {
  try {
    for (const name of listFolder(path)) removeFile(`${path}/${name}`);
    removeFolder(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

export function rename(from: string, to: string): void {
  check(more().rename(cString(from), cString(to)), `rename ${from}`);
}

/** The names in a folder, without "." and "..", in no order. */
export function listFolder(path: string): string[] {
  return entriesOf(path).map(({ name }) => name);
}

/** The names of the folders in a folder. */
export function listFolders(path: string): string[] {
  const DT_DIR = 4;
  return entriesOf(path).flatMap(({ name, type }) => (type === DT_DIR ? [name] : []));
}

function entriesOf(path: string): { name: string; type: number }[] {
  const folder = more().opendir(cString(path));
  if (!folder) throw check(-1, `open ${path}`);
  // struct dirent of glibc on 64-bit machines.
  const OFFSET_OF_TYPE = 18;
  const OFFSET_OF_NAME = 19;
  const entries: { name: string; type: number }[] = [];
  for (;;) {
    const entry = more().readdir(folder);
    if (!entry) break;
    const name = new CString((Number(entry) + OFFSET_OF_NAME) as Pointer).toString();
    if (name !== "." && name !== "..") entries.push({ name, type: read.u8(entry, OFFSET_OF_TYPE) });
  }
  more().closedir(folder);
  return entries;
}

export function readLink(path: string): string {
  const target = Buffer.alloc(PATH_MAX);
  return target.toString(
    "utf8",
    0,
    check(more().readlink(cString(path), target, target.length), `readlink ${path}`),
  );
}

/** The path without links in it. */
export function realPath(path: string): string {
  const target = Buffer.alloc(PATH_MAX);
  if (!more().realpath(cString(path), target)) check(-1, path);
  return target.toString("utf8", 0, target.indexOf(0));
}

export interface Status {
  readonly isFile: boolean;
  readonly isFolder: boolean;
  readonly isBlockDevice: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  readonly inode: string;
  /** Major and minor number of the file system's device. */
  readonly device: string;
  /** Of a device node, major and minor number. */
  readonly node: string;
  /** Nanoseconds after 1970. */
  readonly modified: string;
  /** Of the content or of what is said here, which nobody can set. */
  readonly changed: string;
  /** When it was made; "0" where the file system does not know. */
  readonly born: string;
}

/** Of a path (links followed) or a descriptor. */
export function statusOfFile(file: string | number): Status {
  const AT_FDCWD = -100;
  const AT_EMPTY_PATH = 0x1000;
  const STATX_BASIC_STATS = 0x7ff;
  const STATX_BTIME = 0x800;
  const data = Buffer.alloc(256);
  const byPath = typeof file === "string";
  const result = more().statx(
    byPath ? AT_FDCWD : file,
    cString(byPath ? file : ""),
    byPath ? 0 : AT_EMPTY_PATH,
    STATX_BASIC_STATS | STATX_BTIME,
    data,
  );
  check(result, `stat ${file}`);
  const mode = data.readUInt16LE(28);
  const S_IFMT = 0o170000;
  return {
    isFile: (mode & S_IFMT) === 0o100000,
    isFolder: (mode & S_IFMT) === 0o040000,
    isBlockDevice: (mode & S_IFMT) === 0o060000,
    mode: mode & 0o7777,
    uid: data.readUInt32LE(20),
    gid: data.readUInt32LE(24),
    size: Number(data.readBigUInt64LE(40)),
    inode: String(data.readBigUInt64LE(32)),
    modified: timeAt(data, 112),
    changed: timeAt(data, 96),
    born: data.readUInt32LE(0) & STATX_BTIME ? timeAt(data, 80) : "0",
    node: `${data.readUInt32LE(128)}:${data.readUInt32LE(132)}`,
    device: `${data.readUInt32LE(136)}:${data.readUInt32LE(140)}`,
  };
}

/** A struct statx_timestamp. */
const timeAt = (data: Buffer, at: number): string =>
  String(data.readBigInt64LE(at) * 1_000_000_000n + BigInt(data.readUInt32LE(at + 8)));

/** Null where there is nothing, or nothing that we may see. */
export function statusOrNull(path: string): Status | null {
  try {
    return statusOfFile(path);
  } catch {
    return null;
  }
}

/** openat2(2): the path is looked up from a folder's descriptor as the flags of `resolve` say. */
export function openAt2(folder: number, path: string, flags: number, resolve: bigint): number {
  const OPENAT2 = 437;
  const how = new BigUint64Array([BigInt(flags | O_CLOEXEC), 0n, resolve]);
  return check(more().syscall(OPENAT2, folder, cString(path), how, how.byteLength), `open ${path}`);
}
