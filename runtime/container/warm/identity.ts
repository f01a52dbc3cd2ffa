/** Tells a guest that goes on as another container's which one it is, by its kernel's server of system calls. */
import { reasonOf, UnikrunError } from "../../error.ts";
import type { BootNic } from "../../guest/guest.ts";
import { identityCalls, ipv4, neighbourCalls, readNeighbours } from "../../guest/netbsd/identity.ts";
import { visitGuest, visitUntold } from "../../network/visit.ts";
import { askKernel } from "../exec/ask-kernel.ts";
import { type Container, netnsOf } from "../record/container.ts";

/** Milliseconds; it takes 30 to 150 under TCG. */
const PATIENCE = 5000;

/** As NetBSD's own for /dev/random. */
const ENTROPY_BYTES = 32;

/**
 * `from` is what its card was told, `to` what the container has: MAC and IPv4 address; the gateway is the same. The host name, the clock
 * and its random numbers are told as well. Throws UnikrunError where the guest does not take it: then it is neither.
 */
export async function tellIdentity(
  container: Container,
  { from, to }: { readonly from: BootNic; readonly to: BootNic },
): Promise<void> {
  const { id, guest } = container;
  const [old, own] = [ipv4(from).address, ipv4(to).address];
  using way = visitUntold({ ...placeOf(container), guestAddress: old, guestMac: from.mac });
  const { hostname } = guest;
  const entropy = crypto.getRandomValues(Buffer.alloc(ENTROPY_BYTES));
  try {
    await askKernel(container, way, PATIENCE, [
      ...(own === old ? [] : [["guest-alias", own] as const]),
      ...identityCalls({ from, to, ...(hostname === undefined ? {} : { hostname }), entropy }),
    ]);
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id} can't go on from a guest that had ${old}: telling it that it has ${own} failed (${reasonOf(cause)}).`,
      { cause },
    );
  }
}

/**
 * The IPv4 addresses of those whose MAC addresses the guest knows. Who goes on from it has to hear theirs anew, as others may have the
 * addresses by then. Throws UnikrunError where the guest does not say.
 */
export async function knownNeighbours(container: Container): Promise<string[]> {
  using way = visitGuest({ ...placeOf(container), family: 4 });
  try {
    return readNeighbours(await askKernel(container, way, PATIENCE, neighbourCalls(way.guestAddress)));
  } catch (cause) {
    throw new UnikrunError(
      `Container ${container.id}: its guest does not say which neighbours it knows (${reasonOf(cause)}).`,
      { cause },
    );
  }
}

const placeOf = (container: Container) => ({ netns: netnsOf(container), containerId: container.id });
