import { errorCode } from "../../../native/libc.ts";
import { sendSignal } from "../../../native/process.ts";
import { SIGKILL, SIGNALS } from "../../../native/signals.ts";
import { setFrozen } from "../cgroup/processes.ts";
import { isAlive } from "../record/alive.ts";
import type { Container } from "../record/container.ts";

/** Sends a signal, by number, to a container's init, and SIGKILL also where it is paused, as runc does; false where it is gone. */
export function signalInit(
  container: Pick<Container, "pid" | "startTime" | "cgroup">,
  signal: number,
): boolean {
  if (!isAlive(container)) return false;
  try {
    sendSignal(container.pid, signal);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
    throw error;
  }
  // What version 1 has frozen dies only when it thaws.
  if (signal === SIGKILL) setFrozen(container.cgroup, false);
  return true;
}

const FORWARDED = ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** What this process is sent while it waits is the container's. */
export function forwardSignals(container: Container): void {
  for (const name of FORWARDED) process.on(name, () => void signalInit(container, SIGNALS[name]));
}
