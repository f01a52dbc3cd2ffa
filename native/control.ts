/**
 * What a running machine's VMM is asked: by the Unix socket `control.sock` in the state folder, whose other end is the container's
 * init (init/control.c). We send one line of QMP and get one, {"return":…} or {"error":…}; then init hangs up. After the line
 * "console" the connection is the guest's serial line.
 */
import { type Descriptor, O_PATH, openPath, owned } from "./libc.ts";
import { connectIn, openSocket, receiveAll, sendAll } from "./sockets.ts";

const CONTROL_SOCKET = "control.sock";

/** Seconds. */
const PATIENCE = 10;
const NO_TIMEOUT = 0;

/**
 * The value of "return" (qemu-qmp-ref(7)). Throws an Error with the VMM's own words where it refuses, and a system error where
 * nobody answers.
 */
export function askMachine(
  stateFolder: string,
  command: { execute: string; arguments?: Readonly<Record<string, unknown>> },
): unknown {
  using socket = say(stateFolder, JSON.stringify(command), PATIENCE);
  const text = receiveAll(socket.fd);
  if (text === "") throw new Error("the machine ended before it answered");
  const answer = JSON.parse(text) as { return?: unknown; error?: { desc?: string } };
  if (answer.error) throw new Error(answer.error.desc ?? "the VMM refused");
  return answer.return;
}

/** The guest's serial line as a stream of bytes, both ways; whoever has opened it before loses it. */
export const openConsole = (stateFolder: string): Descriptor => say(stateFolder, "console", NO_TIMEOUT);

/** A connection on which one line was said. */
function say(stateFolder: string, line: string, timeout: number): Descriptor {
  const AF_UNIX = 1;
  const SOCK_STREAM = 1;
  using folder = owned(openPath(stateFolder, O_PATH));
  using opened = new DisposableStack();
  const socket = opened.use(owned(openSocket({ domain: AF_UNIX, type: SOCK_STREAM, timeout })));
  connectIn(socket.fd, folder.fd, CONTROL_SOCKET);
  sendAll(socket.fd, Buffer.from(`${line}\n`));
  opened.move();
  return socket;
}
