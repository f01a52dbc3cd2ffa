import { signalNumber } from "../../../native/signals.ts";
import { UnikrunError } from "../../error.ts";
import { notRunning } from "../engines/words.ts";
import type { Container } from "../record/container.ts";
import { endByAsking } from "./askable.ts";
import { signalInit } from "./signal.ts";

/**
 * Sends a signal (name with or without SIG, or number) to a container's init; `all`: to every process of its cgroup.
 * 0 is none, as with kill(2): it asks whether there is somebody to send one to.
 */
export async function killContainer(
  root: string,
  container: Container,
  signal: string,
  options: { all: boolean },
): Promise<void> {
  const number = signal === "0" ? 0 : signalNumber(signal);
  if (number === undefined) {
    throw new UnikrunError(
      `There is no signal ${JSON.stringify(signal)}: give a name such as SIGTERM, or a number up to 64.`,
    );
  }
  if (options.all) {
    const { killMembers } = await import("../cgroup/members.ts");
    killMembers(container, number);
    return;
  }
  if (await endByAsking(root, container, number)) return;
  if (signalInit(container, number)) return;
  throw notRunning(`${container.id} has stopped, so it can't be sent signal ${signal}`);
}
