/**
 * What a running machine's VMM is asked: by the Unix socket `control.sock` in the state folder, whose other end is the container's
 * init (init/control.c). We send one line of QMP and get one, {"return":…} or {"error":…}; then init hangs up. init gives the line an
 * id, by which it knows the answer (init/guest/monitor.c). After the line "console" the connection is the guest's serial line; after
 * "hold" its end lets the machine go on; after "watch" it brings what the container's end was like.
 */
import { agreed } from "./directives.ts";
import { type Descriptor, errorCode } from "./libc.ts";
import { connectUnix, receiveAll, sendAll, sendDescriptors } from "./sockets.ts";

/** Seconds. */
const PATIENCE = 10;
const NO_TIMEOUT = 0;

/**
 * The value of "return" (qemu-qmp-ref(7)); `descriptor` goes to the VMM with the command. Throws an Error with the VMM's own words where it refuses, and a system error where
 * nobody answers.
 */
export function askMachine(
  stateFolder: string,
  command: { execute: string; arguments?: Readonly<Record<string, unknown>> },
  descriptor?: number,
): unknown {
  return ask(stateFolder, JSON.stringify(command), descriptor);
}

/**
 * How far the guest has come by its own words (init/guest/rules.c), the exit code that they gave it, -1 for none, and whether it has just
 * said that it halts.
 */
export interface GuestPhase {
  readonly phase: string;
  readonly code: number;
  readonly halting: boolean;
}

export const askPhase = (stateFolder: string): GuestPhase => ask(stateFolder, "phase") as GuestPhase;

function ask(stateFolder: string, line: string, descriptor?: number): unknown {
  using socket = say(stateFolder, line, PATIENCE, descriptor);
  const text = receiveInTime(socket.fd);
  if (text === "") throw new Error("the machine ended before it answered");
  const answer = JSON.parse(text) as { return?: unknown; error?: { desc?: string } };
  if (answer.error) throw new Error(answer.error.desc ?? "the VMM refused");
  return answer.return;
}

function receiveInTime(fd: number): string {
  try {
    return receiveAll(fd);
  } catch (cause) {
    if (errorCode(cause) !== "EAGAIN") throw cause;
    throw new Error(
      `it has not answered for ${PATIENCE} s, so it, or the container's init, hangs or was stopped`,
      {
        cause,
      },
    );
  }
}

/** The guest is asked to end in the name of that signal, whose exit code the container then has. */
export const announceStop = (stateFolder: string, signal: number): unknown =>
  ask(stateFolder, `stopping ${signal}`);

/** The guest's serial line as a stream of bytes, both ways; whoever has opened it before loses it. */
export const openConsole = (stateFolder: string): Descriptor => say(stateFolder, "console", NO_TIMEOUT);

/** The machine goes on when this is closed, whatever it was told meanwhile, and whatever becomes of us. */
export const holdMachine = (stateFolder: string): Descriptor => say(stateFolder, "hold", NO_TIMEOUT);

/**
 * At the container's end, "oom N\n": how many of its processes the kernel killed for its memory. Nothing where init was killed, too, or
 * where many others watch. `timeout`, in seconds, bounds each receive.
 */
export const watchEnd = (stateFolder: string, timeout: number): Descriptor =>
  say(stateFolder, "watch", timeout);

/** A connection on which one line was said. */
function say(stateFolder: string, line: string, timeout: number, descriptor?: number): Descriptor {
  using opened = new DisposableStack();
  const socket = opened.use(connectUnix({ folder: stateFolder, name: agreed.CONTROL_SOCKET, timeout }));
  const data = Buffer.from(`${line}\n`);
  if (descriptor === undefined) sendAll(socket.fd, data);
  else sendDescriptors(socket.fd, data, [descriptor]);
  opened.move();
  return socket;
}
