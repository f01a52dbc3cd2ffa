/** Sockets, and descriptors sent over them. */
import { dlopen, ptr } from "bun:ffi";
import { check, type Descriptor, insist, LIBC, O_CLOEXEC, O_PATH, once, openPath, owned } from "./libc.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      socket: { args: ["i32", "i32", "i32"], returns: "i32" },
      connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
      setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
      getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
      send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
      recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
      sendmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
    }).symbols,
);

const SOL_SOCKET = 1;

/** `timeout`, in seconds, 0 for none, bounds each send and receive, which then fail with EAGAIN. */
export function openSocket(options: {
  domain: number;
  type: number;
  protocol?: number;
  timeout: number;
}): number {
  const SO_RCVTIMEO = 20;
  const SO_SNDTIMEO = 21;
  const fd = check(libc().socket(options.domain, options.type | O_CLOEXEC, options.protocol ?? 0), "socket");
  const time = new BigInt64Array([
    BigInt(Math.trunc(options.timeout)),
    BigInt(Math.round((options.timeout % 1) * 1e6)),
  ]);
  for (const option of [SO_SNDTIMEO, SO_RCVTIMEO]) {
    check(libc().setsockopt(fd, SOL_SOCKET, option, time, time.byteLength), "setsockopt");
  }
  return fd;
}

/** A stream to the Unix socket `name` in a folder, by the folder's descriptor: paths may pass sun_path. `timeout` as in openSocket. */
export function connectUnix({
  folder,
  name,
  timeout,
}: {
  folder: string;
  name: string;
  timeout: number;
}): Descriptor {
  const [AF_UNIX, SOCK_STREAM] = [1, 1];
  using parent = owned(openPath(folder, O_PATH));
  using opened = new DisposableStack();
  const socket = opened.use(owned(openSocket({ domain: AF_UNIX, type: SOCK_STREAM, timeout })));
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(`/proc/self/fd/${parent.fd}/${name}`, 2);
  insist(() => libc().connect(socket.fd, address, address.length), `connect to ${name}`);
  opened.move();
  return socket;
}

/** The pid of who listens at the other end, as it was when it began to (SO_PEERCRED, unix(7)). */
export function listenerOf(fd: number): number {
  const SO_PEERCRED = 17;
  const credentials = new Int32Array(3);
  readOption(fd, { level: SOL_SOCKET, option: SO_PEERCRED, value: credentials });
  const [pid = 0] = credentials;
  return pid;
}

/** Fills `value`, in which some options have a question beforehand (getsockopt(2)). */
export function readOption(
  fd: number,
  { level, option, value }: { level: number; option: number; value: Int32Array | Buffer },
): void {
  const size = new Int32Array([value.byteLength]);
  check(libc().getsockopt(fd, level, option, value, size), "getsockopt");
}

const MSG_NOSIGNAL = 0x4000;

export function sendAll(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.byteLength; ) {
    const rest = data.subarray(done);
    done += insist(() => libc().send(fd, rest, rest.byteLength, MSG_NOSIGNAL), "send");
  }
}

/** Receives once; an empty result is the end of the stream. */
export function receive(fd: number, limit: number): Buffer {
  const buffer = Buffer.alloc(limit);
  return buffer.subarray(
    0,
    insist(() => libc().recv(fd, buffer, limit, 0), "recv"),
  );
}

/** Until the other side hangs up. */
export function receiveAll(fd: number): string {
  const parts: Buffer[] = [];
  for (let part = receive(fd, 4096); part.length > 0; part = receive(fd, 4096)) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Sends `data` with descriptors beside it (SCM_RIGHTS, unix(7)). */
export function sendDescriptors(fd: number, data: Uint8Array, descriptors: readonly number[]): void {
  if (descriptors.length === 0) {
    sendAll(fd, data);
    return;
  }
  const SCM_RIGHTS = 1;
  const HEADER = 16;
  const control = Buffer.alloc(HEADER + Math.ceil(descriptors.length / 2) * 8);
  control.writeBigUInt64LE(BigInt(HEADER + descriptors.length * 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  for (const [i, descriptor] of descriptors.entries()) control.writeInt32LE(descriptor, HEADER + i * 4);
  const vector = new BigUint64Array([BigInt(ptr(data)), BigInt(data.byteLength)]);
  // struct msghdr: no name, one piece of data, the control message, no flags.
  const message = new BigUint64Array([
    0n,
    0n,
    BigInt(ptr(vector)),
    1n,
    BigInt(ptr(control)),
    BigInt(control.length),
    0n,
  ]);
  const sent = insist(() => libc().sendmsg(fd, message, MSG_NOSIGNAL), "sendmsg");
  if (sent !== data.byteLength) throw new Error("sendmsg: only a part was sent");
}
