/** Tells a guest that goes on as another container's which one it is, by its kernel's server of system calls. */
import { askTool } from "../../../native/init.ts";
import { UnikrunError } from "../../error.ts";
import type { BootNic } from "../../guest/guest.ts";
import { identityCalls, ipv4 } from "../../guest/netbsd-calls.ts";
import { PROXY_PORT } from "../../network/shut.ts";
import { visitUntold } from "../../network/visit.ts";
import { besideMachine } from "../exec/beside-machine.ts";
import { type Container, netnsOf } from "../record/container.ts";

/** Milliseconds; it takes some 60 under TCG. */
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
  using way = visitUntold({
    netns: netnsOf(container),
    containerId: id,
    guestAddress: old,
    guestMac: from.mac,
  });
  const { hostname } = guest;
  const complaint = await askTool(way.tap, [
    ...besideMachine(container),
    ["tool", "proxy"],
    ["timeout", String(PATIENCE)],
    ["name", "the guest's system calls"],
    ["port", String(PROXY_PORT)],
    ["own-address", way.ownAddress],
    ["guest-address", way.guestAddress],
    ...(own === old ? [] : [["guest-alias", own] as const]),
    ["guest-mac", way.guestMac],
    ["mtu", String(way.mtu)],
    ...identityCalls({
      from,
      to,
      ...(hostname === undefined ? {} : { hostname }),
      entropy: crypto.getRandomValues(Buffer.alloc(ENTROPY_BYTES)),
    }),
  ]);
  if (complaint === "") return;
  throw new UnikrunError(
    `Container ${id} can't go on from a guest that had ${old}: telling it that it has ${own} failed (${complaint.replace(/^unikrun: /, "")}).`,
  );
}
