/**
 * Rules of a network namespace that bind its programs: a VPN's kill switch, a service mesh's redirects, a route into a tunnel. A
 * guest's frames go from its tap to an interface and meet none of them, so where there are some, nobody is to think that they hold.
 */
import { type BaseChain, listBaseChains } from "../../native/netfilter.ts";
import type { Netlink } from "../../native/netlink.ts";
import { listOwnRules, listTableRoutes } from "../../native/policy-routes.ts";
import { listLinks } from "../../native/rtnetlink.ts";
import { countPolicies } from "../../native/xfrm.ts";
import { listLegacyChains } from "../../native/xtables.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { type Nic, printable } from "./nics.ts";
import { findPublished, type PublishedPort, withoutPublished } from "./published-rules.ts";
import { isTapName } from "./taps.ts";

/**
 * The namespace is that which this thread is in. Returns the published ports, whose rules a guest can be given (published-rules.ts). Throws
 * UnikrunError that names all other rules.
 */
export function refuseRules(netlink: Netlink, nics: readonly Nic[], containerId: string): PublishedPort[] {
  if (nics.length === 0) return [];
  const { ports, found } = findRules(netlink, nics, containerId);
  if (found.length === 0) return ports;
  const FEW = 3;
  const more = found.length > FEW ? [`${found.length - FEW} more`] : [];
  const list = [...found.slice(0, FEW), ...more].join(", ");
  throw new UnikrunError(
    `Container ${containerId}: its network namespace has rules that do not bind a unikernel, whose frames go around them (${list}): give it a network without them, or accept that they don't hold for it by the annotation org.unikrun.networkRules=ignore ("networkRules" in /etc/unikrun/config.json for all containers).`,
  );
}

/** The same where it was accepted that other rules don't hold: they may be such as can't be read. */
export function acceptRules(nics: readonly Nic[]): PublishedPort[] {
  try {
    return findPublished([...listBaseChains(), ...listLegacyChains()], nics);
  } catch {
    return [];
  }
}

interface Findings {
  readonly ports: PublishedPort[];
  /** What else there is, each in a few words. */
  readonly found: readonly string[];
}

function findRules(netlink: Netlink, nics: readonly Nic[], containerId: string): Findings {
  try {
    const [newer, older] = [listBaseChains(), listLegacyChains()];
    const ports = findPublished([...newer, ...older], nics);
    const found = [
      ...withoutPublished(newer, ports).flatMap((chain) => describeChain(chain, "nf_tables")),
      ...withoutPublished(older, ports).flatMap((chain) => describeChain(chain, "iptables")),
      ...findRoutes(netlink, nics),
      ...listOwnRules(netlink).map(({ family, priority }) => `IPv${family}'s policy rule ${priority}`),
      ...(countPolicies() === 0 ? [] : ["IPsec's policies"]),
    ];
    return { ports, found };
  } catch (cause) {
    throw new UnikrunError(
      `Container ${containerId}: whether its network namespace has rules that a unikernel's frames would go around can't be seen (${reasonOf(cause)}): have that mended, or start it all the same by the annotation org.unikrun.networkRules=ignore.`,
      { cause },
    );
  }
}

function describeChain({ table, name, drops, rules }: BaseChain, by: string): string[] {
  const count = rules.length;
  if (!drops && count === 0) return [];
  const what = drops ? "that drops what is not allowed" : `of ${count} ${count === 1 ? "rule" : "rules"}`;
  return [`${by} chain ${printable(`${table} ${name}`)} ${what}`];
}

/** Routes by links that are no cards of the guest's, and such as refuse packets. */
function findRoutes(netlink: Netlink, nics: readonly Nic[]): string[] {
  const cards = new Set(nics.map(({ link }) => link.index));
  const away = listTableRoutes(netlink).filter(
    ({ links }) => !links.every((index) => cards.has(index)) || links.length === 0,
  );
  if (away.length === 0) return [];
  const all = listLinks(netlink);
  return away.flatMap(({ destination, links }) => {
    const what = destination === "default" ? "a default route" : `a route to ${destination}`;
    if (links.length === 0) return [`${what} that refuses`];
    const other = all.find(({ index }) => links.includes(index) && !cards.has(index));
    const isHarmless = !other || other.loopback || isTapName(other.name) || destination.startsWith("fe80:");
    return isHarmless ? [] : [`${what} by ${printable(other.name)}`];
  });
}
