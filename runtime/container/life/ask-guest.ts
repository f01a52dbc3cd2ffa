/**
 * Guests that can be asked to write down what they have in memory of their disks, and to end: nobody who stops a program expects a
 * power cut (docs/volumes.md).
 */
import { announceStop } from "../../../native/control.ts";
import { agreed, type Directive } from "../../../native/directives.ts";
import { isTerminating, SIGKILL } from "../../../native/signals.ts";
import { reasonOf } from "../../error.ts";
import { flushCalls, stopCalls } from "../../guest/netbsd/files.ts";
import { warn } from "../../log.ts";
import { visitGuest } from "../../network/visit.ts";
import { askKernel } from "../exec/ask-kernel.ts";
import { isAlive } from "../record/alive.ts";
import { type Container, containerFolder, netnsOf } from "../record/container.ts";
import { statusOf } from "../record/status.ts";

/** Milliseconds, as ASKING_MS and HALTING_MS: an engine's time for a stop is 10 s as a rule, and the VMM has some to do as well. */
const PATIENCE = { flush: 3000, kill: 100 };

/** False where it was told to stand still. */
const hears = (root: string, container: Container): boolean => statusOf(root, container) === "running";

/** As flushGuest() of askable.ts. */
export async function flush(root: string, container: Container): Promise<void> {
  if (!hears(root, container)) return;
  try {
    await ask(container, PATIENCE.flush, flushCalls);
  } catch (cause) {
    await warn(
      `Container ${container.id}: its guest does not write down what it has in memory (${reasonOf(cause)}).`,
    );
  }
}

/** As endByAsking() there. */
export async function end(root: string, container: Container, signal: number): Promise<boolean> {
  if (!(isTerminating(signal) || signal === SIGKILL) || !hears(root, container)) return false;
  try {
    if (signal === SIGKILL) {
      // A program that is killed loses nothing that it has written.
      await ask(container, PATIENCE.kill, flushCalls);
      return false;
    }
    announceStop(containerFolder(root, container.id), signal);
    await ask(container, agreed.ASKING_MS, stopCalls);
  } catch (cause) {
    if (!isAlive(container)) return true;
    await warn(
      `Container ${container.id}: its guest can't be asked to end (${reasonOf(cause)}), so its machine is: what it has not written to its disks is lost.`,
    );
    return false;
  }
  return hasEnded(container);
}

async function ask(
  container: Container,
  patience: number,
  calls: (address: string) => Directive[],
): Promise<void> {
  using way = visitGuest({ netns: netnsOf(container), containerId: container.id, family: 4 });
  await askKernel(container, way, patience, calls(way.guestAddress));
}

function hasEnded(container: Container): boolean {
  const deadline = performance.now() + agreed.HALTING_MS;
  while (isAlive(container) && performance.now() < deadline) Bun.sleepSync(2);
  return !isAlive(container);
}
