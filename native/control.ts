/**
 * What a running machine's VMM is asked: by the Unix socket `control.sock` in the state folder, whose other end is the container's
 * init (init/control.c). We send one line of QMP and get one, {"return":…} or {"error":…}; then init hangs up.
 */
import { O_PATH, openPath, owned } from "./libc.ts";
import { connectIn, openSocket, receiveAll, sendAll } from "./sockets.ts";

const CONTROL_SOCKET = "control.sock";

/** Seconds. */
const PATIENCE = 10;

/**
 * The value of "return" (qemu-qmp-ref(7)). Throws an Error with the VMM's own words where it refuses, and a system error where
 * nobody answers.
 */
export function askMachine(
  stateFolder: string,
  command: { execute: string; arguments?: Readonly<Record<string, unknown>> },
): unknown {
  const AF_UNIX = 1;
  const SOCK_STREAM = 1;
  using folder = owned(openPath(stateFolder, O_PATH));
  using socket = owned(openSocket({ domain: AF_UNIX, type: SOCK_STREAM, timeout: PATIENCE }));
  connectIn(socket.fd, folder.fd, CONTROL_SOCKET);
  sendAll(socket.fd, Buffer.from(`${JSON.stringify(command)}\n`));
  const text = receiveAll(socket.fd);
  if (text === "") throw new Error("the machine ended before it answered");
  const answer = JSON.parse(text) as { return?: unknown; error?: { desc?: string } };
  if (answer.error) throw new Error(answer.error.desc ?? "the VMM refused");
  return answer.return;
}
