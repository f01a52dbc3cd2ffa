/** Copies of whole files, and pipes. */
import { dlopen } from "bun:ffi";
import { readAt, writeAll } from "./files.ts";
import { check, type Descriptor, errorCode, insist, LIBC, O_CLOEXEC, once, owned } from "./libc.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      lseek: { args: ["i32", "i64", "i32"], returns: "i64" },
      ftruncate: { args: ["i32", "i64"], returns: "i32" },
      pread: { args: ["i32", "ptr", "u64", "i64"], returns: "i64" },
      pwrite: { args: ["i32", "ptr", "u64", "i64"], returns: "i64" },
      read: { args: ["i32", "ptr", "u64"], returns: "i64" },
      pipe2: { args: ["ptr", "i32"], returns: "i32" },
    }).symbols,
);

const CHUNK = 1 << 20;

/** Calls `take` with each piece of data of a file and where it is, leaving out its holes (lseek(2), SEEK_DATA). */
function eachPiece(fd: number, take: (piece: Buffer, at: number) => void): void {
  const [SEEK_DATA, SEEK_HOLE] = [3, 4];
  const chunk = Buffer.alloc(CHUNK);
  for (let at = 0; ; ) {
    const data = nextData(fd, at, SEEK_DATA);
    if (data === null) return;
    const end = check(libc().lseek(fd, data, SEEK_HOLE), "lseek");
    for (at = data; at < end; ) {
      const read = insist(() => libc().pread(fd, chunk, Math.min(CHUNK, end - at), at), "pread");
      if (read === 0) return;
      take(chunk.subarray(0, read), at);
      at += read;
    }
  }
}

function writeAt(fd: number, data: Buffer, at: number): void {
  for (let done = 0; done < data.byteLength; ) {
    const rest = data.subarray(done);
    done += insist(() => libc().pwrite(fd, rest, rest.byteLength, at + done), "pwrite");
  }
}

/** Makes `to`, an empty file, the same as `from`; holes stay holes. */
export function copySparse(from: number, to: number): void {
  insist(() => libc().ftruncate(to, sizeOf(from)), "ftruncate");
  eachPiece(from, (piece, at) => writeAt(to, piece, at));
}

function sizeOf(fd: number): number {
  const SEEK_END = 2;
  return check(libc().lseek(fd, 0, SEEK_END), "lseek");
}

const PIECE = 16;

/**
 * Writes a file with holes so that it has none: engines put checkpoints through archives that know no holes. Each piece of data has
 * its place and length before it, 64 bits each, little-endian; the last has the file's size and length 0.
 */
export function packSparse(from: number, to: number): void {
  const put = (at: number, data: Buffer): void => {
    const head = Buffer.alloc(PIECE);
    head.writeBigUInt64LE(BigInt(at), 0);
    head.writeBigUInt64LE(BigInt(data.byteLength), 8);
    writeAll(to, head);
    writeAll(to, data);
  };
  eachPiece(from, (piece, at) => put(at, piece));
  put(sizeOf(from), Buffer.alloc(0));
}

/** Makes `to`, an empty file, of what packSparse wrote. Throws an Error for what it did not write. */
export function unpackSparse(from: number, to: number): void {
  for (let place = 0; ; ) {
    const head = readAt(from, place, PIECE);
    if (head.length < PIECE) throw new Error("it was cut");
    const [at, length] = [Number(head.readBigUInt64LE(0)), Number(head.readBigUInt64LE(8))];
    if (length > CHUNK || at > MOST) throw new Error("it is no disk of a checkpoint");
    if (length === 0) {
      insist(() => libc().ftruncate(to, at), "ftruncate");
      return;
    }
    const data = readAt(from, place + PIECE, length);
    if (data.length < length) throw new Error("it was cut");
    writeAt(to, data, at);
    place += PIECE + length;
  }
}

/** Bytes of the largest disk. */
const MOST = 2 ** 50;

/** Null where only a hole follows. */
function nextData(fd: number, at: number, SEEK_DATA: number): number | null {
  try {
    return check(libc().lseek(fd, at, SEEK_DATA), "lseek");
  } catch (error) {
    if (errorCode(error) === "ENXIO") return null;
    throw error;
  }
}

/** Reads `from`, a pipe or a file, to its end, and writes that to `to`; how many bytes. */
export function carry(from: number, to: number): number {
  const chunk = Buffer.alloc(CHUNK);
  for (let total = 0; ; ) {
    const read = insist(() => libc().read(from, chunk, CHUNK), "read");
    if (read === 0) return total;
    writeAll(to, chunk.subarray(0, read));
    total += read;
  }
}

export function openPipe(): { readonly reader: Descriptor; readonly writer: Descriptor } {
  const ends = new Int32Array(2);
  check(libc().pipe2(ends, O_CLOEXEC), "pipe2");
  const [reader = -1, writer = -1] = ends;
  return { reader: owned(reader), writer: owned(writer) };
}
