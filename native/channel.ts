/**
 * The way to a created container's init: the Unix socket `start.sock` in the state folder. Two plans go by it, that of the board and
 * that of the start (directives.ts). We send a 32-bit little-endian length together with the descriptors (SCM_RIGHTS), then that many bytes of
 * directives. init answers the second with "ok" and the VMM's words on stderr when the guest runs, or with "error " and why it does not;
 * then it closes. To the first nobody waits for an answer.
 * The socket has this name only between create and start (see control.ts).
 */
import { agreed } from "./directives.ts";
import { rename } from "./files.ts";
import { type Descriptor, errorCode } from "./libc.ts";
import { connectUnix, receiveAll, sendAll, sendDescriptors } from "./sockets.ts";

/** Seconds; init gives up on a VMM after 30. */
const PATIENCE = 40;

/** A machine that init is about to start. */
export interface Starting extends Disposable {
  /** Gives the socket its later name, which init fails to do in a user namespace: its root may change nothing in our folder. */
  renameSocket(): void;
  /** Waits, and returns when the machine runs or never will. */
  outcome(): StartOutcome;
}

/** What the VMM had to say (lines, as a rule none), or why there is none. */
export type StartOutcome = { readonly warnings: readonly string[] } | { readonly error: string };

/** `stateFolder` is an absolute path. */
export function sendPlan(stateFolder: string, plan: Uint8Array, descriptors: readonly number[]): Starting {
  using opened = new DisposableStack();
  let socket: Descriptor;
  try {
    socket = opened.use(connectUnix({ folder: stateFolder, name: agreed.START_SOCKET, timeout: PATIENCE }));
  } catch (error) {
    const why = `its init does not answer (${errorCode(error)}): has it been killed, or started by somebody else?`;
    return { renameSocket() {}, outcome: () => ({ error: why }), [Symbol.dispose]() {} };
  }
  const length = Buffer.alloc(4);
  length.writeUInt32LE(plan.byteLength);
  sendDescriptors(socket.fd, length, descriptors);
  sendAll(socket.fd, plan);
  const kept = opened.move();
  return {
    renameSocket: () =>
      rename(`${stateFolder}/${agreed.START_SOCKET}`, `${stateFolder}/${agreed.CONTROL_SOCKET}`),
    outcome() {
      try {
        return outcomeOf(receiveAll(socket.fd));
      } catch (error) {
        if (errorCode(error) !== "EAGAIN") throw error;
        return { error: `its init has not answered for ${PATIENCE} s: was it stopped (kill -CONT)?` };
      }
    },
    [Symbol.dispose]: () => kept.dispose(),
  };
}

function outcomeOf(answer: string): StartOutcome {
  if (answer.startsWith("ok")) return { warnings: answer.slice(2).split("\n").filter(Boolean) };
  return {
    error: answer.startsWith("error ")
      ? answer.slice(6)
      : "the container's init ended while it started the machine",
  };
}
