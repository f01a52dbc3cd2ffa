/** What engines listen on: --pidfd-socket and --console-socket. */
import { dlopen, ptr } from "bun:ffi";

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
});

interface Received extends Disposable {
  readonly word: string;
  readonly descriptor: number;
}

/** Listens on a Unix socket; `receive` takes one message with one descriptor (SCM_RIGHTS, unix(7)). */
export function listenOn(path: string): { receive(): Received } & Disposable {
  const [AF_UNIX, SOCK_STREAM] = [1, 1];
  const listener = libc.socket(AF_UNIX, SOCK_STREAM, 0);
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  if (libc.bind(listener, address, address.length) < 0 || libc.listen(listener, 1) < 0)
    throw new Error(`no socket at ${path}`);
  return {
    receive() {
      const caller = libc.accept(listener, null, null);
      const [data, control] = [Buffer.alloc(100), Buffer.alloc(24)];
      const part = new BigUint64Array([BigInt(ptr(data)), BigInt(data.length)]);
      const message = new BigUint64Array([
        0n,
        0n,
        BigInt(ptr(part)),
        1n,
        BigInt(ptr(control)),
        BigInt(control.length),
        0n,
      ]);
      const length = Number(libc.recvmsg(caller, message, 0));
      const descriptor = control.readInt32LE(16);
      libc.close(caller);
      const word = data.subarray(0, length).toString();
      return { word, descriptor, [Symbol.dispose]: () => void libc.close(descriptor) };
    },
    [Symbol.dispose]: () => void libc.close(listener),
  };
}
