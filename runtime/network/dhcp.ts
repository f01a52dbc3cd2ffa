/**
 * Guests that learn their addresses by DHCP only (RFC 2131, 2132): what they ask goes to a tap whose other end is a server in the
 * container's init (native/init/network/dhcp.c), which tells each card the container's own, for ever. Nobody else hears it.
 */
import { addressBytes, inSubnet } from "../../native/ip-address.ts";
import type { Netlink } from "../../native/netlink.ts";
import { addFilter, addIngress } from "../../native/traffic-control.ts";
import type { BootNic } from "../guest/guest.ts";
import { dottedMask, ipv4GatewayOf, ipv4Of, ipv4Servers } from "../guest/ipv4.ts";
import { FIRST, ipv4Carrying, UDP } from "./packets.ts";
import { OFF_LINK } from "./resolver.ts";
import { FILTER, type Tap } from "./taps.ts";

/** What a guest's requests go to, and what its answers come by. */
export function relayRequests(
  netlink: Netlink,
  { cards, relay }: { cards: readonly Tap[]; relay: Tap },
): void {
  const TO_SERVERS = { at: 20, mask: 0x0000ffff, value: 67 };
  const matches = [...ipv4Carrying(UDP, FIRST), TO_SERVERS];
  addIngress(netlink, relay.index);
  for (const [card, { index }] of cards.entries()) {
    addFilter(netlink, {
      from: index,
      priority: FILTER.ip,
      protocol: "ip",
      matches,
      to: { index: relay.index },
    });
    // The last byte of the sender's MAC address is the card's number.
    const ofCard = { at: -4, mask: 0x00ff0000, value: card << 16 };
    addFilter(netlink, {
      from: relay.index,
      priority: FILTER.all,
      protocol: "all",
      matches: [ofCard],
      to: { index },
    });
  }
}

/** What one card is told. */
export interface Lease {
  readonly mac: string;
  readonly address: string;
  /** Who says so; nobody is there. */
  readonly server: string;
  /** As they stand in an answer, but for those that DHCP itself has need of. */
  readonly options: Buffer;
}

export interface Told {
  readonly hostname?: string | undefined;
  readonly nameServers: readonly string[];
  readonly searchDomains: readonly string[];
}

/** Null for a card without an IPv4 address. */
export function leaseOf(nic: BootNic, told: Told): Lease | null {
  const own = ipv4Of(nic);
  if (!own) return null;
  return { mac: nic.mac, address: own.address, server: OFF_LINK[4], options: optionsOf(nic, own, told) };
}

/** RFC 2132, 3442 and 3397. */
const OPTION = {
  mask: 1,
  router: 3,
  nameServers: 6,
  hostname: 12,
  domain: 15,
  mtu: 26,
  classlessRoutes: 121,
  searchDomains: 119,
};

/** Bytes that an answer of 576, which every client takes, has for them (native/init/network/network.h). */
const ROOM = 292;

function optionsOf(nic: BootNic, own: { address: string; prefix: number }, told: Told): Buffer {
  const gateway = ipv4GatewayOf(nic);
  const isOutside = gateway !== undefined && !inSubnet(gateway, own);
  const servers = ipv4Servers(told).slice(0, 3);
  const [domain] = told.searchDomains;
  // What comes first is told where there is not room for all.
  const wanted: readonly (readonly [code: number, value: Buffer | undefined])[] = [
    [OPTION.mask, addressBytes(dottedMask(own.prefix))],
    // Whoever knows classless routes takes no other.
    [OPTION.classlessRoutes, classlessRoutes(nic, isOutside, gateway)],
    [OPTION.router, gateway === undefined ? undefined : addressBytes(gateway)],
    [OPTION.nameServers, servers.length > 0 ? Buffer.concat(servers.map(addressBytes)) : undefined],
    [OPTION.mtu, sixteenBits(nic.mtu)],
    [OPTION.hostname, told.hostname ? Buffer.from(told.hostname) : undefined],
    [OPTION.domain, domain === undefined ? undefined : Buffer.from(domain)],
    [OPTION.searchDomains, domain === undefined ? undefined : Buffer.concat(told.searchDomains.map(labels))],
  ];
  let options = Buffer.alloc(0);
  for (const [code, value] of wanted) {
    if (value === undefined || value.length > 255 || options.length + 2 + value.length > ROOM) continue;
    options = Buffer.concat([options, Buffer.from([code, value.length]), value]);
  }
  return options;
}

function sixteenBits(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value);
  return buffer;
}

/** A gateway outside the subnet is reached directly, and all that has no other route by the gateway. */
function classlessRoutes(
  { routes = [] }: BootNic,
  isOutside: boolean,
  gateway: string | undefined,
): Buffer | undefined {
  const others = routes.filter(({ family }) => family === 4);
  if (!isOutside && others.length === 0) return undefined;
  const direct = { address: gateway ?? "", prefix: 32, gateway: null };
  const everybody = { address: "0.0.0.0", prefix: 0, gateway: gateway ?? null };
  return Buffer.concat(
    [...(isOutside ? [direct] : []), ...others, ...(gateway === undefined ? [] : [everybody])].map(
      classlessRoute,
    ),
  );
}

/** RFC 3442: the prefix, what it counts of the address, and the gateway, 0.0.0.0 for none. */
const classlessRoute = (route: { address: string; prefix: number; gateway: string | null }): Buffer =>
  Buffer.concat([
    Buffer.from([route.prefix]),
    addressBytes(route.address).subarray(0, Math.ceil(route.prefix / 8)),
    addressBytes(route.gateway ?? "0.0.0.0"),
  ]);

/** A name as DNS has it. */
function labels(domain: string): Buffer {
  const LONGEST = 63;
  const parts = domain
    .split(".")
    .filter((label) => label !== "")
    .map((label) => Buffer.from(label).subarray(0, LONGEST));
  return Buffer.concat([...parts.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.from([0])]);
}
