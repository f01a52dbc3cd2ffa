/** What init makes of callers on its control socket that say more than they should, or leave at a bad moment. */
import { readdirSync, readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { askMachine, askPhase, holdMachine } from "../../native/control.ts";
import { connectUnix, receive, sendAll, sendDescriptors } from "../../native/sockets.ts";
import { makeBench, until } from "./harness.ts";

function started(t: ExecutionContext) {
  const bench = makeBench(["sleep", "1000"]);
  t.teardown(() => bench[Symbol.dispose]());
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  const folder = `${bench.root}/${bench.id}`;
  const connect = (timeout = 20) => connectUnix({ folder, name: "control.sock", timeout });
  const pid = bench.pid();
  const untilIt = (is: "sleeps" | "stopped") =>
    until(() => readFileSync(`/proc/${pid}/stat`, "utf8").includes(is === "sleeps" ? ") S " : ") T "));
  /** When init waits again, so that it has heard all that was said. */
  const descriptors = () => {
    untilIt("sleeps");
    return readdirSync(`/proc/${pid}/fd`).length;
  };
  return { folder, connect, descriptors, untilIt, pid };
}

test("init keeps none of the descriptors that come with a line", (t) => {
  const { folder, connect, descriptors } = started(t);
  const before = descriptors();
  for (const line of ["phase\n", '{"execute":"query-status"}\n', "watch me\n"]) {
    using caller = connect();
    sendDescriptors(caller.fd, Buffer.from(line), [0, 0]);
    t.true(receive(caller.fd, 4096).length > 0);
  }
  {
    using holder = connect();
    sendDescriptors(holder.fd, Buffer.from("hold\n"), [0]);
    askPhase(folder);
    t.is(descriptors(), before + 1);
  }
  until(() => descriptors() === before);
  t.pass();
});

test("a line that is no command is refused, and does not come to the VMM", (t) => {
  const { folder, connect } = started(t);
  for (const line of ["", "consol", "[]", "ask"]) {
    using caller = connect();
    sendAll(caller.fd, Buffer.from(`${line}\n`));
    t.regex(receive(caller.fd, 4096).toString(), /its init does not know this command/);
  }
  t.throws(() => askMachine(folder, { execute: "no-such-command" }), { message: /no-such-command/ });
  t.like(askMachine(folder, { execute: "query-status" }), { status: "running" });
});

test("a hold that begins as another one ends stays", (t) => {
  const { folder, connect, descriptors, untilIt, pid } = started(t);
  const first = holdMachine(folder);
  askPhase(folder);
  const before = descriptors();
  using second = connect(1);
  sendAll(second.fd, Buffer.from("ho"));
  until(() => descriptors() === before + 1);
  // Else it would hear the whole word at once, and of the first one's end not before that.
  untilIt("sleeps");
  process.kill(pid, "SIGSTOP");
  untilIt("stopped");
  first[Symbol.dispose]();
  sendAll(second.fd, Buffer.from("ld\n"));
  process.kill(pid, "SIGCONT");
  askPhase(folder);
  t.is(descriptors(), before);
  t.throws(() => receive(second.fd, 1), { message: /EAGAIN|Resource temporarily/ });
});
