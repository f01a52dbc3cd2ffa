/**
 * The engine's name server on a loopback address (Docker's 127.0.0.11) is reached by programs of the network namespace only.
 * A guest asks an address of ours instead: what it sends there goes to a tap whose other end is a relay in the
 * container's init (native/init/network/resolver.c), which asks the engine's from inside the namespace.
 */
import { agreed } from "../../native/directives.ts";
import { writeControl } from "../../native/files.ts";
import { addressFromEnd } from "../../native/ip-address.ts";
import type { Netlink } from "../../native/netlink.ts";
import { addFilter } from "../../native/traffic-control.ts";
import { type AsideAddress, asideIpv4, asideIpv6, asidePort, leadAside } from "./aside.ts";
import type { Nic } from "./nics.ts";
import { ipv4Carrying, ipv6Carrying, TCP, UDP } from "./packets.ts";
import { FILTER, type Tap } from "./taps.ts";

/** What the guest is to ask, and what stands behind it. */
export interface Resolver {
  /** IPv4 or IPv6, for the guest's resolv.conf. */
  readonly address: string;
  /** The engine's, "127.0.0.11". */
  readonly server: string;
  /** Bytes, of the network that the guest asks by. */
  readonly mtu: number;
  /** The descriptor of the relay's tap. */
  readonly tap: number;
}

interface Card {
  readonly nic: Nic;
  readonly tap: Tap;
}

/** Some guests send to their gateway's MAC for it, and some, lwIP among them, ask for its own by ARP: both find the relay. */
export const OFF_LINK = { 4: "169.254.53.53", 6: "fd75:6b78:3535::53" } as const;

/** DNS. */
const PORT = 53;
const ICMPV6 = 58;

/** What dockerd looks up from inside the namespace leaves by ports that no usual guest chooses for its own questions. */
const { FIRST_LOOKUP_PORT: first, LOOKUP_PORTS: count } = agreed;
const PORTS = { first, last: first + count - 1, mask: 0x10000 - count };

/** Leads a guest's questions to a relay's tap; undefined where it has no address to ask from. */
export function relayLookups(
  netlink: Netlink,
  options: { server: string; cards: readonly Card[]; makeRelay: (mtu: number) => Tap },
): Resolver | undefined {
  const { server, cards } = options;
  const place = placeOfResolver(cards);
  if (!place) return undefined;
  const { mtu } = place.card.nic;
  const relay = options.makeRelay(mtu);
  leadAside(netlink, {
    from: place.card.tap.index,
    to: relay.index,
    aside: place.aside,
    priorities:
      place.family === 4
        ? { questions: FILTER.arp, packets: FILTER.ip }
        : { questions: FILTER.ipv6, packets: FILTER.ipv6 },
  });
  for (const { nic, tap } of cards) letLookupsThrough(netlink, { nic: nic.link.index, tap: tap.index });
  return { address: place.aside.address, server, mtu, tap: relay.fd };
}

interface Place {
  readonly card: Card;
  readonly family: 4 | 6;
  readonly aside: AsideAddress;
}

/** The card that a guest's questions leave by, and the address that they go to. */
function placeOfResolver(cards: readonly Card[]): Place | undefined {
  for (const family of [4, 6] as const) {
    const make = family === 4 ? asideIpv4 : asideIpv6;
    const routed = cards.find(({ nic }) => nic.gateways.some((gateway) => gateway.family === family));
    if (routed) return { card: routed, family, aside: make(OFF_LINK[family]) };
    for (const card of cards) {
      const lent = card.nic.addresses.flatMap((own) => (own.family === family ? lentBy(own) : []))[0];
      if (lent === undefined) continue;
      const aside = asidePort(make(lent), { port: PORT, link: card.nic.link.index });
      return { card, family, aside };
    }
  }
  return undefined;
}

/**
 * An address of the subnet that hardly anybody has, none of a very small one: engines give away the first ones first, people like
 * the last ones, and visit.ts lends those before them. Who has it all the same is reached, but for its own name server.
 */
function lentBy({ family, address, prefix }: Nic["addresses"][number]): string[] {
  const bits = (family === 4 ? 32 : 128) - prefix;
  return bits < 3 ? [] : [addressFromEnd({ address, prefix }, bits < 6 ? 1 : 37)];
}

/**
 * Lets the namespace's own stack hear the answers to its own questions: dockerd asks other name servers from in there.
 * It shares the address with the guest, so ports tell which answers are whose.
 */
export function letLookupsThrough(netlink: Netlink, { nic, tap }: { nic: number; tap: number }): void {
  writeControl("/proc/sys/net/ipv4/ip_local_port_range", `${PORTS.first} ${PORTS.last}`);
  const toBoth = { from: nic, to: { index: tap, mirror: true } };
  const toStack = { from: nic };
  const ports = { mask: 0xffff0000 + PORTS.mask, value: PORT * 0x10000 + PORTS.first };
  const ARP_REPLY = { at: 4, mask: 0x0000ffff, value: 2 };
  addFilter(netlink, { ...toBoth, priority: FILTER.arp, protocol: "arp", matches: [ARP_REPLY] });
  for (const protocol of [UDP, TCP]) {
    const matches = [...ipv4Carrying(protocol), { at: 20, ...ports }];
    addFilter(netlink, { ...toStack, priority: FILTER.ip, protocol: "ip", matches });
  }
  const NEIGHBOUR_ADVERTISEMENT = [
    ipv6Carrying(ICMPV6),
    { at: 40, mask: 0xff000000, value: 136 * 0x1000000 },
  ];
  const ipv6 = { priority: FILTER.ipv6, protocol: "ipv6" } as const;
  addFilter(netlink, { ...toBoth, ...ipv6, matches: NEIGHBOUR_ADVERTISEMENT });
  for (const protocol of [UDP, TCP])
    addFilter(netlink, { ...toStack, ...ipv6, matches: [ipv6Carrying(protocol), { at: 40, ...ports }] });
}
