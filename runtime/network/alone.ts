import { O_RDONLY, openPath, owned } from "../../native/libc.ts";
import { lockWithin } from "../../native/lock.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { UnikrunError } from "../error.ts";

/** A container's network namespace, by its path. */
export interface Place {
  readonly netns: string;
  readonly containerId: string;
}

/** Milliseconds. */
const PATIENCE = 10_000;

/** In the namespace, while no other call changes it: one machine's end must not take the next one's start for its own leftovers. */
export function alone<Result>({ netns, containerId }: Place, action: () => Result): Result {
  using namespace = owned(openPath(netns, O_RDONLY));
  if (!lockWithin(namespace.fd, PATIENCE)) {
    throw new UnikrunError(
      `Container ${containerId}: another call of unikrun holds its network namespace ${netns}, and does not end: see what it waits for.`,
    );
  }
  return inNetworkNamespace(netns, action);
}
