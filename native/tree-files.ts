/**
 * What the disk images need of the system: folders and files by descriptor, looked up below a root without following a
 * link, and their data moved by the kernel. Every function throws an Error with `code`, as libc.ts says.
 */
import { dlopen, ptr } from "bun:ffi";
import { openAt2, readInto } from "./files.ts";
import {
  check,
  cString,
  type Descriptor,
  errorCode,
  insist,
  LIBC,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  openPath,
  owned,
} from "./libc.ts";
import { bytesOf } from "./names.ts";
import { openFound } from "./regular-file.ts";

const { symbols: libc } = dlopen(LIBC, {
  getdents64: { args: ["i32", "ptr", "u64"], returns: "i64" },
  statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", "u64"], returns: "i64" },
  ftruncate: { args: ["i32", "i64"], returns: "i32" },
  lseek: { args: ["i32", "i64", "i32"], returns: "i64" },
  pwrite: { args: ["i32", "ptr", "u64", "i64"], returns: "i64" },
  copy_file_range: { args: ["i32", "ptr", "i32", "ptr", "u64", "u32"], returns: "i64" },
});

const O_DIRECTORY = 0o200000;
const O_NOFOLLOW = 0o400000;

/** For `openBelow`: what is there, to be read if it is a regular file, as openFound does. */
export const AS_FILE = O_PATH | O_NOFOLLOW;
/** A pipe is not waited for; of what it is the caller asks. */
export const AS_WRITTEN_FILE = O_RDWR | O_NOFOLLOW | O_NONBLOCK;
export const AS_FOLDER = O_RDONLY | O_NOFOLLOW | O_DIRECTORY;

export function openRoot(path: string): Descriptor {
  return owned(openPath(path, O_PATH | O_DIRECTORY));
}

/**
 * Opens a path below a folder's descriptor. It never leaves that folder and follows no link, not even one in the
 * middle: those are ELOOP.
 */
export function openBelow(root: number, path: string, flags: number): Descriptor {
  const MOST_AT_ONCE = 4095;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const relative = names.join("/") || ".";
  if (bytesOf(relative).length <= MOST_AT_ONCE) return openRelative(root, relative, flags);
  const half = names.length >> 1;
  using folder = openBelow(root, names.slice(0, half).join("/"), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  return openBelow(folder.fd, names.slice(half).join("/"), flags);
}

function openRelative(root: number, path: string, flags: number): Descriptor {
  if (flags !== AS_FILE) return openAt(root, path, flags);
  using found = openAt(root, path, flags);
  return owned(openFound(found.fd));
}

function openAt(root: number, path: string, flags: number): Descriptor {
  const RESOLVE_NO_SYMLINKS = 0x04n;
  const RESOLVE_BENEATH = 0x08n;
  // The kernel gives up with EAGAIN where something is renamed while it looks.
  for (let attempt = 0; ; attempt++) {
    try {
      return owned(openAt2(root, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
    } catch (error) {
      if (errorCode(error) !== "EAGAIN" || attempt === 100) throw error;
    }
  }
}

/** A folder's records as getdents64(2) gives them, all of them. */
export function folderRecords(fd: number): Buffer {
  let data = Buffer.alloc(65536);
  let used = 0;
  for (;;) {
    if (data.length - used < 32768) data = Buffer.concat([data, Buffer.alloc(data.length)]);
    const rest = data.subarray(used);
    const count = insist(() => libc.getdents64(fd, rest, rest.length), "getdents64");
    if (count === 0) return data.subarray(0, used);
    used += count;
  }
}

/** The names in such records but "." and "..", and where they stand, each with a NUL behind it. */
export function* namesIn(records: Buffer): Generator<{ bytes: Buffer; at: number }> {
  const [LENGTH_AT, NAME_AT] = [16, 19];
  for (let record = 0; record < records.length; record += records.readUInt16LE(record + LENGTH_AT)) {
    const at = record + NAME_AT;
    const bytes = records.subarray(at, records.indexOf(0, at));
    if (!bytes.equals(DOT) && !bytes.equals(DOTS)) yield { bytes, at };
  }
}

const DOT = Buffer.from(".");
const DOTS = Buffer.from("..");

const STATX_BASIC_STATS = 0x7ff;

/** Kinds of files, as the mode of stat(2) has them. */
export const TYPE_BITS = {
  fifo: 0o010000,
  character: 0o020000,
  folder: 0o040000,
  block: 0o060000,
  file: 0o100000,
  link: 0o120000,
  socket: 0o140000,
} as const;

export type FileKind = keyof typeof TYPE_BITS;

const KINDS: ReadonlyMap<number, FileKind> = new Map(
  Object.entries(TYPE_BITS).map(([kind, bits]) => [bits, kind as FileKind]),
);

/** Of a whole mode; undefined for bits that no kind has. */
export const kindOfMode = (mode: number): FileKind | undefined => KINDS.get(mode & 0o170000);

/** One struct statx, filled again and again: there may be 100,000 files. */
export class FileStatus {
  readonly bytes = Buffer.alloc(256);
  #view = new DataView(this.bytes.buffer, this.bytes.byteOffset, 256);

  /** Of the entry whose name stands in `names` from `at` on, with a NUL behind it, in a folder; a link is not followed. */
  readAt(folder: number, names: Buffer, at: number): this {
    const AT_SYMLINK_NOFOLLOW = 0x100;
    const AT_NO_AUTOMOUNT = 0x800;
    const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    check(libc.statx(folder, ptr(names, at), flags, STATX_BASIC_STATS, this.bytes), "stat");
    return this;
  }

  readOpen(fd: number): this {
    const AT_EMPTY_PATH = 0x1000;
    check(libc.statx(fd, cString(""), AT_EMPTY_PATH, STATX_BASIC_STATS, this.bytes), "stat");
    return this;
  }

  get kind(): FileKind {
    const kind = kindOfMode(this.#view.getUint16(28, true));
    if (!kind) throw new Error("an entry of a kind that no Linux has");
    return kind;
  }
  /** 12 permission bits. */
  get mode(): number {
    return this.#view.getUint16(28, true) & 0o7777;
  }
  get links(): number {
    return this.#view.getUint32(16, true);
  }
  get uid(): number {
    return this.#view.getUint32(20, true);
  }
  get gid(): number {
    return this.#view.getUint32(24, true);
  }
  get inode(): bigint {
    return this.#view.getBigUint64(32, true);
  }
  /** Bytes. */
  get size(): number {
    return Number(this.#view.getBigUint64(40, true));
  }
  /** Bytes that the file takes, in its file system's own count. */
  get allocated(): number {
    return Number(this.#view.getBigUint64(48, true)) * 512;
  }
  /** Whole seconds after 1970. */
  get changedSeconds(): number {
    return Number(this.#view.getBigInt64(96, true));
  }
  get changedNanoseconds(): number {
    return this.#view.getUint32(104, true);
  }
  /** Whole seconds after 1970. */
  get modifiedSeconds(): number {
    return Number(this.#view.getBigInt64(112, true));
  }
  get modifiedNanoseconds(): number {
    return this.#view.getUint32(120, true);
  }
  /** Nanoseconds after 1970. */
  get modified(): bigint {
    return BigInt(this.modifiedSeconds) * 1_000_000_000n + BigInt(this.modifiedNanoseconds);
  }
  /** Nanoseconds after 1970. */
  get changed(): bigint {
    return BigInt(this.changedSeconds) * 1_000_000_000n + BigInt(this.changedNanoseconds);
  }
  /** Of a device node. */
  get major(): number {
    return this.#view.getUint32(128, true);
  }
  get minor(): number {
    return this.#view.getUint32(132, true);
  }
  /** Of the file system. */
  get device(): string {
    return `${this.#view.getUint32(136, true)}:${this.#view.getUint32(140, true)}`;
  }
}

const target = Buffer.alloc(4096);

/** The target of a link whose name stands in `names` from `at` on, with a NUL behind it, in a folder. */
export function linkTarget(folder: number, names: Buffer, at: number): Buffer {
  const count = check(libc.readlinkat(folder, ptr(names, at), target, target.length), "readlink");
  return Buffer.from(target.subarray(0, count));
}

export function setSize(fd: number, size: number): void {
  insist(() => libc.ftruncate(fd, size), "ftruncate");
}

/** Writes all of it. */
export function writeAt(fd: number, data: Uint8Array, offset: number): void {
  for (let done = 0; done < data.byteLength; ) {
    const rest = data.subarray(done);
    done += insist(() => libc.pwrite(fd, rest, rest.byteLength, offset + done), "pwrite");
  }
}

/** Where the next data begins at or after `offset`; null where there is none. */
export function nextData(fd: number, offset: number): number | null {
  const SEEK_DATA = 3;
  try {
    return check(libc.lseek(fd, offset, SEEK_DATA), "lseek");
  } catch (error) {
    if (errorCode(error) === "ENXIO") return null;
    throw error;
  }
}

/** Where the next hole begins after `offset`, which has data; the end of a file is one. */
export function nextHole(fd: number, offset: number): number {
  const SEEK_HOLE = 4;
  return check(libc.lseek(fd, offset, SEEK_HOLE), "lseek");
}

const place = { from: new BigInt64Array(1), to: new BigInt64Array(1) };
const NOT_BETWEEN_THESE = new Set(["EXDEV", "EINVAL", "ENOSYS", "EOPNOTSUPP", "ETXTBSY", "EBADF"]);

/** Copies inside the kernel (as a reflink where the file system can), or by hand; gives the bytes copied, fewer at the end. */
export function copyRange(
  from: number,
  fromOffset: number,
  to: number,
  toOffset: number,
  length: number,
): number {
  place.from[0] = BigInt(fromOffset);
  place.to[0] = BigInt(toOffset);
  for (let done = 0; done < length; ) {
    let count: number;
    try {
      count = insist(
        () => libc.copy_file_range(from, place.from, to, place.to, length - done, 0),
        "copy_file_range",
      );
    } catch (error) {
      if (!NOT_BETWEEN_THESE.has(errorCode(error))) throw error;
      return done + copyByHand(from, fromOffset + done, to, toOffset + done, length - done);
    }
    if (count === 0) return done + copyByHand(from, fromOffset + done, to, toOffset + done, length - done);
    done += count;
  }
  return length;
}

/** Files of /proc and some FUSE ones say that they are empty to copy_file_range, so that its 0 is asked again here. */
function copyByHand(from: number, fromOffset: number, to: number, toOffset: number, length: number): number {
  const piece = Buffer.allocUnsafe(Math.min(length, 1 << 20));
  let done = 0;
  while (done < length) {
    const count = readInto(from, piece.subarray(0, Math.min(piece.length, length - done)), fromOffset + done);
    if (count === 0) break;
    writeAt(to, piece.subarray(0, count), toOffset + done);
    done += count;
  }
  return done;
}
