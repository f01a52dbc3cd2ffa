/** --pidfd-socket: who called gets a pidfd of the process that was made. */

import { readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { listenOn } from "./descriptor-socket.ts";
import { makeBench } from "./harness.ts";

/** The word beside the next pidfd, and whose it is. */
function receivePid(socket: ReturnType<typeof listenOn>): { word: string; pid: number } {
  using received = socket.receive();
  const { word, descriptor } = received;
  const [, pid] = /^Pid:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8")) ?? [];
  return { word, pid: Number(pid) };
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
  t.deepEqual(receivePid(socket), {
    word: "pidfd",
    pid: JSON.parse(bench.call("state", bench.id).stdout).pid,
  });
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
  t.is(receivePid(socket).pid, Number(readFileSync(pidFile, "utf8")));
});
