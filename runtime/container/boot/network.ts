/** The network of a container's guest. */
import { readSmallText } from "../../../native/regular-file.ts";
import type { GuestFamily } from "../../guest/guest.ts";
import { warn } from "../../log.ts";
import { loopbackServer, nameServers, searchDomains, withResolver } from "../../network/resolv-conf.ts";
import { type WireOptions, type Wiring, wireNetwork } from "../../network/wire.ts";
import type { GuestMount } from "../bundle/mounts.ts";
import { type Container, netnsOf } from "../record/container.ts";

/** The resolv.conf that the engine mounts; without one, the image's own stays as it is. */
export interface ResolvConf {
  /** On the host; absent where the engine has none. */
  readonly source?: string;
  readonly text: string;
}

/** Bytes. */
const LONGEST = 1 << 20;

export function readResolvConf(mounts: readonly GuestMount[]): ResolvConf {
  const source = mounts.findLast(({ destination }) => destination === "/etc/resolv.conf")?.source;
  if (source === undefined) return { text: "" };
  try {
    return { source, text: readSmallText(source, LONGEST) };
  } catch {
    return { text: "" }; // What it is instead is said when its disk is made.
  }
}

/** Wires it to its namespace; it is to reach a name server there that listens on a loopback address. */
export async function wireGuest(
  container: Container,
  family: GuestFamily,
  resolvConf: ResolvConf,
  guard?: WireOptions["guard"],
): Promise<Wiring> {
  const { id, guest } = container;
  const server = loopbackServer(resolvConf.text);
  const wiring = wireNetwork({
    netns: netnsOf(container),
    containerId: id,
    limit: family.limits.nics,
    headers: family.devices.headers,
    leads: family.devices.leads,
    dhcp: family.devices.dhcp ?? false,
    ...(server === undefined ? {} : { server }),
    ...(guard === undefined ? {} : { guard }),
    ...(guest.networkRules === undefined ? {} : { rules: guest.networkRules }),
  });
  if (wiring.nics.length === 0) {
    await warn(
      `Container ${id}: its network namespace has no interface but lo, so the guest gets no network card.`,
    );
  } else if (server !== undefined && !wiring.resolver) {
    await warn(
      `Container ${id}: its guest can't look up names: it has no address of a subnet large enough to lend one to the way to its engine's name server.`,
    );
  }
  if (wiring.lacking.length > 0 && !family.devices.routes) {
    await warn(
      `Container ${id}: its guest has no route ${wiring.lacking.join(", ")}, as its network namespace has: a ${family.name} guest knows its default gateway alone, and other routes only by that one's interface.`,
    );
  }
  return wiring;
}

/** What the guest is told of names. */
export function toldNames({ text }: ResolvConf, { resolver }: Wiring) {
  const told = resolver ? withResolver(text, resolver.address) : text;
  return { nameServers: nameServers(told), searchDomains: searchDomains(told) };
}
