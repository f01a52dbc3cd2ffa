import { errorCode } from "../../native/libc.ts";
import { sendSignal } from "../../native/process.ts";
import { type Container, isAlive } from "./state.ts";

/** Sends a signal, by number, to a container's init; false where it is gone. */
export function signalInit(container: Container, signal: number): boolean {
  if (!isAlive(container)) return false;
  try {
    sendSignal(container.pid, signal);
    return true;
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
    throw error;
  }
}
