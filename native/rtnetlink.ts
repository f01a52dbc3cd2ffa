/** Links, addresses and routes by rtnetlink(7). */
import { formatAddress } from "./ip-address.ts";
import { formatMac, macBytes } from "./mac-address.ts";
import { attribute, attributes, type Netlink } from "./netlink.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_GETADDR = 22;
const RTM_GETROUTE = 26;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** "02:42:ac:11:00:02"; "" where the link has none. */
  readonly mac: string;
  readonly loopback: boolean;
  readonly up: boolean;
  /** ARPHRD_ETHER: it carries Ethernet frames. */
  readonly ethernet: boolean;
}

export interface Address {
  readonly index: number;
  readonly family: 4 | 6;
  /** Textual, as in "172.17.0.2" or "fd00::2". */
  readonly address: string;
  readonly prefix: number;
  readonly scope: "global" | "link" | "host" | "site";
}

export interface Route {
  /** Of the link that it leaves by; 0 for a route without one. */
  readonly index: number;
  readonly family: 4 | 6;
  /** Destination; null for the default route. */
  readonly destination: { readonly address: string; readonly prefix: number } | null;
  /** Of the route's family, as a rule. */
  readonly gateway: string | null;
  readonly metric: number;
}

const AF_INET = 2;
const AF_INET6 = 10;

export function listLinks(netlink: Netlink): Link[] {
  const IFLA_ADDRESS = 1;
  const IFLA_IFNAME = 3;
  const IFLA_MTU = 4;
  const ARPHRD_ETHER = 1;
  const IFF_UP = 1;
  const IFF_LOOPBACK = 8;
  return netlink.dump({ type: RTM_GETLINK, body: Buffer.alloc(16), what: "list links" }).map((body) => {
    const found = attributes(body, 16);
    const flags = body.readUInt32LE(8);
    return {
      index: body.readInt32LE(4),
      name: textOf(found.get(IFLA_IFNAME)),
      mtu: found.get(IFLA_MTU)?.readUInt32LE(0) ?? 0,
      mac: formatMac(found.get(IFLA_ADDRESS) ?? Buffer.alloc(0)),
      loopback: (flags & IFF_LOOPBACK) !== 0,
      up: (flags & IFF_UP) !== 0,
      ethernet: body.readUInt16LE(2) === ARPHRD_ETHER,
    };
  });
}

const SCOPES: Readonly<Record<number, Address["scope"]>> = {
  0: "global",
  200: "site",
  253: "link",
  254: "host",
};

export function listAddresses(netlink: Netlink): Address[] {
  const IFA_ADDRESS = 1;
  const IFA_LOCAL = 2;
  return netlink
    .dump({ type: RTM_GETADDR, body: Buffer.alloc(8), what: "list addresses" })
    .flatMap((body) => {
      const family = familyOf(body);
      const found = attributes(body, 8);
      // On a point-to-point link IFA_ADDRESS is the peer's.
      const data = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS);
      if (!family || !data) return [];
      return [
        {
          index: body.readUInt32LE(4),
          family,
          address: formatAddress(data),
          prefix: body.readUInt8(1),
          scope: SCOPES[body.readUInt8(3)] ?? "global",
        },
      ];
    });
}

const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_VIA = 18;

/** The unicast routes of the main table; one by several links is a route by each. */
export function listRoutes(netlink: Netlink): Route[] {
  const RTA_DST = 1;
  const RTA_PRIORITY = 6;
  const RTA_MULTIPATH = 9;
  const RT_TABLE_MAIN = 254;
  const RTN_UNICAST = 1;
  return netlink.dump({ type: RTM_GETROUTE, body: Buffer.alloc(12), what: "list routes" }).flatMap((body) => {
    const family = familyOf(body);
    if (!family || body.readUInt8(4) !== RT_TABLE_MAIN || body.readUInt8(7) !== RTN_UNICAST) return [];
    const found = attributes(body, 12);
    const destination = found.get(RTA_DST);
    const multipath = found.get(RTA_MULTIPATH);
    const hops = multipath
      ? nextHops(multipath)
      : [{ index: found.get(RTA_OIF)?.readUInt32LE(0) ?? 0, gateway: gatewayIn(found) }];
    return hops.map((hop) => ({
      ...hop,
      family,
      destination: destination ? { address: formatAddress(destination), prefix: body.readUInt8(1) } : null,
      metric: found.get(RTA_PRIORITY)?.readUInt32LE(0) ?? 0,
    }));
  });
}

/** RTA_VIA is a gateway of the other family: that, and its address. */
function gatewayIn(found: ReadonlyMap<number, Buffer>): string | null {
  const gateway = found.get(RTA_GATEWAY) ?? found.get(RTA_VIA)?.subarray(2);
  return gateway ? formatAddress(gateway) : null;
}

/** struct rtnexthop: its bytes, flags, weight, and the link's index; then its attributes. */
export function nextHops(data: Buffer): Pick<Route, "index" | "gateway">[] {
  const HEAD = 8;
  const hops: Pick<Route, "index" | "gateway">[] = [];
  for (let at = 0; at + HEAD <= data.length; ) {
    const length = Math.max(data.readUInt16LE(at), HEAD);
    const hop = data.subarray(at, at + length);
    hops.push({ index: hop.readUInt32LE(4), gateway: gatewayIn(attributes(hop, HEAD)) });
    at += (length + 3) & ~3;
  }
  return hops;
}

/** Brings a link up with an MTU, and keeps the host's own IPv6 off it. */
export function raiseLink(netlink: Netlink, link: { index: number; mtu: number }): void {
  const IFLA_MTU = 4;
  const IFLA_AF_SPEC = 26;
  const IFLA_INET6_ADDR_GEN_MODE = 8;
  const IN6_ADDR_GEN_MODE_NONE = 1;
  const IFF_UP = 1;
  const noAddress = attribute(IFLA_AF_SPEC, [
    attribute(AF_INET6, [attribute(IFLA_INET6_ADDR_GEN_MODE, Uint8Array.of(IN6_ADDR_GEN_MODE_NONE))]),
  ]);
  const message = (flags: number, ...rest: Buffer[]): Buffer => {
    const header = Buffer.alloc(16);
    header.writeInt32LE(link.index, 4);
    header.writeUInt32LE(flags, 8);
    header.writeUInt32LE(flags, 12);
    return Buffer.concat([header, ...rest]);
  };
  try {
    netlink.request({ type: RTM_NEWLINK, body: message(0, noAddress), what: "keep IPv6 off a tap" });
  } catch {
    // A kernel without IPv6 has no addresses to keep off.
  }
  netlink.request({
    type: RTM_NEWLINK,
    body: message(IFF_UP, attribute(IFLA_MTU, link.mtu)),
    what: "raise a tap",
  });
}

/** `mac` as "02:42:ac:11:00:02". */
export function setLinkAddress(netlink: Netlink, link: { index: number; mac: string }): void {
  const IFLA_ADDRESS = 1;
  const header = Buffer.alloc(16);
  header.writeInt32LE(link.index, 4);
  const address = attribute(IFLA_ADDRESS, macBytes(link.mac));
  netlink.request({ type: RTM_NEWLINK, body: Buffer.concat([header, address]), what: "set a MAC address" });
}

export function deleteLink(netlink: Netlink, index: number): void {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  netlink.request({ type: RTM_DELLINK, body: header, what: "delete a link" });
}

function familyOf(body: Buffer): 4 | 6 | null {
  const family = body.readUInt8(0);
  return family === AF_INET ? 4 : family === AF_INET6 ? 6 : null;
}

function textOf(data: Buffer | undefined): string {
  return data ? data.toString("utf8").replace(/\0.*$/, "") : "";
}
