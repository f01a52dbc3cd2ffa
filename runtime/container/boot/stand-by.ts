/**
 * A tool that is there from the start, confined, and asks the guest to end when its init is sent a signal by others than our `kill`
 * (life/ask-guest.ts): a person, or whoever shuts down the host. Init itself may start nothing by then.
 */
import { agreed, type Directive } from "../../../native/directives.ts";
import { stopCalls } from "../../guest/netbsd/files.ts";
import { visitGuest } from "../../network/visit.ts";
import { kernelDirectives } from "../exec/ask-kernel.ts";
import { toolUid } from "../exec/beside-machine.ts";
import { type Container, netnsOf } from "../record/container.ts";

export interface StandBy extends Disposable {
  readonly tap: number;
  readonly directives: readonly Directive[];
}

/** Undefined where there is no way to the guest: `kill` says so. */
export function standBy(container: Container): StandBy | undefined {
  const { id } = container;
  try {
    const way = visitGuest({ netns: netnsOf(container), containerId: id, family: 4 });
    return {
      tap: way.tap,
      directives: [
        ["stand-by", ""],
        toolUid(container),
        ...kernelDirectives(way, agreed.ASKING_MS, stopCalls(way.guestAddress)),
      ],
      [Symbol.dispose]: () => way[Symbol.dispose](),
    };
  } catch {
    return undefined;
  }
}
