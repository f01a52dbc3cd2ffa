/** --pidfd-socket: who called gets a pidfd of the process that was made. */

import { dlopen, ptr } from "bun:ffi";
import { readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { makeBench } from "./harness.ts";

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
});

/** Listens on a Unix socket; `receive` takes one message with one descriptor (SCM_RIGHTS, unix(7)). */
function listenOn(path: string): { receive(): { word: string; pid: number } } & Disposable {
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
      const [, pid] = /^Pid:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8")) ?? [];
      for (const fd of [descriptor, caller]) libc.close(fd);
      return { word: data.subarray(0, length).toString(), pid: Number(pid) };
    },
    [Symbol.dispose]: () => void libc.close(listener),
  };
}

test("create and exec send a pidfd, and a socket that is nobody's is told", (t) => {
  using bench = makeBench(["http", "80"]);
  const path = `${bench.folder}/pidfd.sock`;
  using socket = listenOn(path);
  const create = (to: string) => bench.call("create", "--pidfd-socket", to);
  const refused = create(`${path}.missing`);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /the pidfd can't be sent to \S+ \(.*\): --pidfd-socket must name a Unix socket/);
  t.is(create(path).code, 0);
  t.deepEqual(socket.receive(), { word: "pidfd", pid: JSON.parse(bench.call("state", bench.id).stdout).pid });
  t.is(bench.call("start", bench.id).code, 0);
  const [file, pidFile] = [`${bench.folder}/process.json`, `${bench.folder}/exec.pid`];
  writeFileSync(file, JSON.stringify({ args: ["unikrun", "console"], cwd: "/", user: { uid: 0, gid: 0 } }));
  const exec = [
    "exec",
    "--process",
    file,
    "--detach",
    "--pid-file",
    pidFile,
    "--pidfd-socket",
    path,
    bench.id,
  ];
  t.is(bench.call(...exec).code, 0);
  t.is(socket.receive().pid, Number(readFileSync(pidFile, "utf8")));
});
