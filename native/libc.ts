/** The system calls that JavaScript's own library lacks. Each throws an Error with `code` ("EPERM") and `errno`. */
import { dlopen, ptr, read } from "bun:ffi";
import { writeSync } from "node:fs";
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

const i32 = "i32" as const;
const i64 = "i64" as const;
const u64 = "u64" as const;
const pointer = "ptr" as const;

const { symbols: libc } = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: pointer },
  strerror: { args: [i32], returns: "cstring" },
  syscall: { args: [i64, i64, pointer, pointer, i64], returns: i64 },
  open: { args: [pointer, i32], returns: i32 },
  close: { args: [i32], returns: i32 },
  setns: { args: [i32, i32], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  connect: { args: [i32, pointer, i32], returns: i32 },
  setsockopt: { args: [i32, i32, i32, pointer, i32], returns: i32 },
  send: { args: [i32, pointer, u64, i32], returns: i64 },
  recv: { args: [i32, pointer, u64, i32], returns: i64 },
  sendmsg: { args: [i32, pointer, i32], returns: i64 },
  ioctl: { args: [i32, u64, pointer], returns: i32 },
  memfd_create: { args: [pointer, "u32"], returns: i32 },
  execve: { args: [pointer, pointer, pointer], returns: i32 },
  signal: { args: [i32, i64], returns: i64 },
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  setrlimit: { args: [i32, pointer], returns: i32 },
});

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
/** For a descriptor that only names a file. */
export const O_PATH = 0o10000000;

function check(result: number | bigint, call: string): number {
  if (Number(result) >= 0) return Number(result);
  const location = libc.__errno_location();
  const errno = location ? read.i32(location, 0) : 0;
  const error = new Error(`${call}: ${libc.strerror(errno)}`);
  throw Object.assign(error, { errno, code: getSystemErrorName(-errno) });
}

function cString(text: string): Buffer {
  if (text.includes("\0")) throw new Error(`${JSON.stringify(text)} has a NUL character in it`);
  return Buffer.from(`${text}\0`);
}

/** A descriptor that `using` closes. */
export interface Descriptor extends Disposable {
  readonly fd: number;
}

export function owned(fd: number): Descriptor {
  return { fd, [Symbol.dispose]: () => void libc.close(fd) };
}

/** The `code` of a thrown system error, such as "ENOENT"; "" for anything else. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

export function openPath(path: string, flags: number): number {
  return check(libc.open(cString(path), flags | O_CLOEXEC), `open ${path}`);
}

/**
 * Opens a file for reading with its path looked up inside `root` only: no link or `..` of an
 * image leads out of it (openat2 with RESOLVE_IN_ROOT). A pipe without a writer does not block.
 */
export function openInRoot(root: string, path: string): number {
  const OPENAT2 = 437;
  const RESOLVE_NO_MAGICLINKS = 0x02n;
  const RESOLVE_IN_ROOT = 0x10n;
  using folder = owned(openPath(root, O_PATH));
  const how = new BigUint64Array([
    BigInt(O_CLOEXEC | O_NONBLOCK),
    0n,
    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  ]);
  return check(libc.syscall(OPENAT2, folder.fd, cString(path), how, how.byteLength), `open ${path}`);
}

/** Moves this thread, which is JavaScript's, into the namespace that `path` names. */
export function enterNamespace(path: string): void {
  using namespace = owned(openPath(path, 0));
  check(libc.setns(namespace.fd, 0), `setns ${path}`);
}

/** An anonymous file that can be executed, with `content` in it, at offset 0. */
export function memoryFile(name: string, content: Uint8Array): number {
  const MFD_CLOEXEC = 1;
  const MFD_EXEC = 0x10;
  let fd = libc.memfd_create(cString(name), MFD_CLOEXEC | MFD_EXEC);
  // Kernels before 6.3 do not know MFD_EXEC, and give executable files without it.
  if (fd < 0) fd = check(libc.memfd_create(cString(name), MFD_CLOEXEC), "memfd_create");
  for (let done = 0; done < content.byteLength; )
    done += writeSync(fd, content, done, content.byteLength - done, done);
  return fd;
}

/** A request whose argument the kernel reads and writes in place. */
export function ioctl(fd: number, request: number, argument: Uint8Array): void {
  check(libc.ioctl(fd, request, argument), `ioctl ${request.toString(16)}`);
}

const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
const SO_RCVTIMEO = 20;

/** `timeout` in seconds bounds each send and receive, which then fail with EAGAIN. */
export function openSocket(options: {
  domain: number;
  type: number;
  protocol?: number;
  timeout: number;
}): number {
  const fd = check(libc.socket(options.domain, options.type | O_CLOEXEC, options.protocol ?? 0), "socket");
  const time = new BigInt64Array([BigInt(options.timeout), 0n]);
  for (const option of [SO_SNDTIMEO, SO_RCVTIMEO]) {
    check(libc.setsockopt(fd, SOL_SOCKET, option, time, time.byteLength), "setsockopt");
  }
  return fd;
}

/** Connects to the Unix socket `name` in the folder that `folder` is a descriptor of: paths may pass sun_path. */
export function connectIn(fd: number, folder: number, name: string): void {
  const AF_UNIX = 1;
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(`/proc/self/fd/${folder}/${name}`, 2);
  check(libc.connect(fd, address, address.length), `connect to ${name}`);
}

const MSG_NOSIGNAL = 0x4000;

export function sendAll(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.byteLength; ) {
    const rest = data.subarray(done);
    done += check(libc.send(fd, rest, rest.byteLength, MSG_NOSIGNAL), "send");
  }
}

/** Receives once; an empty result is the end of the stream. */
export function receive(fd: number, limit: number): Buffer {
  const buffer = Buffer.alloc(limit);
  return buffer.subarray(0, check(libc.recv(fd, buffer, limit, 0), "recv"));
}

/** Sends `data` with descriptors beside it (SCM_RIGHTS, unix(7)). */
export function sendDescriptors(fd: number, data: Uint8Array, descriptors: readonly number[]): void {
  if (descriptors.length === 0) return sendAll(fd, data);
  const SCM_RIGHTS = 1;
  const control = Buffer.alloc(16 + Math.ceil(descriptors.length / 2) * 8);
  control.writeBigUInt64LE(BigInt(16 + descriptors.length * 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  descriptors.forEach((descriptor, i) => {
    control.writeInt32LE(descriptor, 16 + i * 4);
  });
  const vector = new BigUint64Array([BigInt(ptr(data)), BigInt(data.byteLength)]);
  const message = new BigUint64Array([
    0n,
    0n,
    BigInt(ptr(vector)),
    1n,
    BigInt(ptr(control)),
    BigInt(control.length),
    0n,
  ]);
  if (check(libc.sendmsg(fd, message, MSG_NOSIGNAL), "sendmsg") !== data.byteLength)
    throw new Error("sendmsg: short");
}

/** The soft limit on open files, which Bun raises to the hard one in its own process. */
export function limitFiles(soft: bigint, hard: bigint): void {
  const RLIMIT_NOFILE = 7;
  check(libc.setrlimit(RLIMIT_NOFILE, new BigUint64Array([soft, hard])), "setrlimit");
}

/** Puts `program` in this process's place, with the signals that Bun ignores set back. */
export function execute(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): never {
  const SIG_DFL = 0;
  for (const signal of [constants.signals.SIGPIPE, constants.signals.SIGXFSZ]) libc.signal(signal, SIG_DFL);
  const strings: Buffer[] = [];
  const vectorOf = (texts: readonly string[]): BigUint64Array => {
    const buffers = texts.map(cString);
    strings.push(...buffers);
    return new BigUint64Array([...buffers.map((buffer) => BigInt(ptr(buffer))), 0n]);
  };
  const env = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  check(libc.execve(cString(program), vectorOf(args), vectorOf(env)), `execve ${program}`);
  throw new Error(`execve ${program} returned (${strings.length})`);
}

/** Makes this process the parent of orphans below it (PR_SET_CHILD_SUBREAPER). */
export function becomeSubreaper(): void {
  const PR_SET_CHILD_SUBREAPER = 36;
  check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl");
}
