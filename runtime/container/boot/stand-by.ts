/**
 * A tool that is there from the start, confined, and asks the guest to end when its init is sent a signal by others than our `kill`
 * (life/ask-guest.ts): a person, or whoever shuts down the host. Init itself may start nothing by then.
 */
import { openDeviceNodes } from "../../../native/device-nodes.ts";
import { agreed, type Directive } from "../../../native/directives.ts";
import { idOutside } from "../../../native/id-maps.ts";
import type { Descriptor } from "../../../native/libc.ts";
import { inUserNamespace } from "../../../native/user-namespace.ts";
import { stopCalls } from "../../guest/netbsd/files.ts";
import { visitGuest } from "../../network/visit.ts";
import { kernelDirectives } from "../exec/ask-kernel.ts";
import { toolUid } from "../exec/beside-machine.ts";
import { type Container, netnsOf } from "../record/container.ts";

export interface StandBy extends Disposable {
  /** The tap, and what else the tool takes. */
  readonly descriptors: readonly number[];
  readonly directives: readonly Directive[];
}

/** Undefined where there is no way to the guest: `kill` says so. */
export function standBy(container: Container): StandBy | undefined {
  const { id } = container;
  try {
    using opened = new DisposableStack();
    const way = opened.use(visitGuest({ netns: netnsOf(container), containerId: id, family: 4 }));
    const tun = tunFor(container);
    if (tun) opened.use(tun);
    const all = opened.move();
    return {
      descriptors: [way.tap, ...(tun ? [tun.fd] : [])],
      directives: [
        ["stand-by", ""],
        ...(tun ? [["stand-by-tun", ""] as const] : []),
        toolUid(container),
        ...kernelDirectives(way, agreed.ASKING_MS, stopCalls(way.guestAddress)),
      ],
      [Symbol.dispose]: () => all.dispose(),
    };
  } catch {
    return undefined;
  }
}

/** The host's is only its root's on some hosts, which init is not in a user namespace. */
function tunFor({ guest }: Container): Descriptor | undefined {
  const root = guest.users && idOutside(guest.users.uids, 0);
  return typeof root === "number" && !inUserNamespace() ? openDeviceNodes(["/dev/net/tun"], root) : undefined;
}
