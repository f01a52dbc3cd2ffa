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
import { asideIpv4, leadAside } from "./aside.ts";
import type { Nic } from "./nics.ts";
import { FILTER, type Tap } from "./taps.ts";

/** What the guest is to ask, and what stands behind it. */
export interface Resolver {
  /** IPv4, for the guest's resolv.conf. */
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
export const OFF_LINK = "169.254.53.53";

/** What dockerd looks up from inside the namespace leaves by ports that no usual guest chooses for its own questions. */
const { FIRST_LOOKUP_PORT: first, LOOKUP_PORTS: count } = agreed;
const PORTS = { first, last: first + count - 1, mask: 0x10000 - count };

/** Leads a guest's questions to a relay's tap; undefined where the guest has no IPv4 to ask by. */
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
    aside: asideIpv4(place.address),
    priorities: { questions: FILTER.arp, packets: FILTER.ip },
  });
  for (const { nic, tap } of cards) letLookupsThrough(netlink, { nic: nic.link.index, tap: tap.index });
  return { address: place.address, server, mtu, tap: relay.fd };
}

/** The card that a guest's questions leave by, and the address that they go to. */
function placeOfResolver(cards: readonly Card[]): { card: Card; address: string } | undefined {
  const routed = cards.find(({ nic }) => nic.gateways.some(({ family }) => family === 4));
  if (routed) return { card: routed, address: OFF_LINK };
  for (const card of cards) {
    for (const own of card.nic.addresses) {
      const address = own.family === 4 ? lastOfSubnet(own) : undefined;
      if (address !== undefined) return { card, address };
    }
  }
  return undefined;
}

/** The subnet's last address but its broadcast, which engines give away last; the one before if it is the guest's own. */
const lastOfSubnet = (own: { address: string; prefix: number }): string | undefined =>
  own.prefix > 29 ? undefined : addressFromEnd(own, 0);

/**
 * Lets the namespace's own stack hear the answers to its own questions: dockerd asks other name servers from in there.
 * It shares the address with the guest, so ports tell which answers are whose.
 */
export function letLookupsThrough(netlink: Netlink, { nic, tap }: { nic: number; tap: number }): void {
  writeControl("/proc/sys/net/ipv4/ip_local_port_range", `${PORTS.first} ${PORTS.last}`);
  const toBoth = { from: nic, to: { index: tap, mirror: true } };
  const toStack = { from: nic };
  const ports = { mask: 0xffff0000 + PORTS.mask, value: 53 * 0x10000 + PORTS.first };
  const ARP_REPLY = { at: 4, mask: 0x0000ffff, value: 2 };
  addFilter(netlink, { ...toBoth, priority: FILTER.arp, protocol: "arp", matches: [ARP_REPLY] });
  const UNFRAGMENTED = [
    { at: 0, mask: 0x0f000000, value: 0x05000000 },
    { at: 4, mask: 0x00003fff, value: 0 },
  ];
  const UDP = { at: 8, mask: 0x00ff0000, value: 17 << 16 };
  const matches = [...UNFRAGMENTED, UDP, { at: 20, ...ports }];
  addFilter(netlink, { ...toStack, priority: FILTER.ip, protocol: "ip", matches });
  const nextHeader = (protocol: number) => ({ at: 4, mask: 0x0000ff00, value: protocol << 8 });
  const NEIGHBOUR_ADVERTISEMENT = [nextHeader(58), { at: 40, mask: 0xff000000, value: 136 * 0x1000000 }];
  const ipv6 = { priority: FILTER.ipv6, protocol: "ipv6" } as const;
  addFilter(netlink, { ...toBoth, ...ipv6, matches: NEIGHBOUR_ADVERTISEMENT });
  addFilter(netlink, { ...toStack, ...ipv6, matches: [nextHeader(17), { at: 40, ...ports }] });
}
