/** An address that only one guest sees, behind its tap: what it sends there goes to another tap, whose other end is ours. */
import { addressBytes } from "../../native/ip-address.ts";
import type { Netlink } from "../../native/netlink.ts";
import {
  addFilter,
  addIngress,
  deleteFilters,
  type Filter,
  type Match,
} from "../../native/traffic-control.ts";
import { ipv4Carrying, ipv6Carrying, TCP, UDP } from "./packets.ts";
import { FILTER } from "./taps.ts";

/** The address, and the frames of a guest's that concern it: packets for it, and questions about it on the guest's network. */
export interface AsideAddress {
  readonly address: string;
  readonly packets: Frames;
  readonly questions: Frames;
}

interface Frames extends Pick<Filter, "protocol"> {
  /** Each a filter of its own. */
  readonly either: readonly (readonly Match[])[];
  /** The link that they leave by besides. */
  readonly besides?: number;
}

/** Where the two kinds of frames have their filters; no other filter of the tap may be there. */
export interface AsidePriorities {
  readonly packets: number;
  readonly questions: number;
}

const WHOLE = 0xffffffff;

export function asideIpv4(address: string): AsideAddress {
  const match = { mask: WHOLE, value: addressBytes(address).readUInt32BE(0) };
  return {
    address,
    packets: { protocol: "ip", either: [[{ at: 16, ...match }]] },
    questions: { protocol: "arp", either: [[{ at: 24, ...match }]] },
  };
}

export function asideIpv6(address: string): AsideAddress {
  const bytes = addressBytes(address);
  const words = [0, 4, 8, 12].map((at) => bytes.readUInt32BE(at));
  const to = (values: readonly number[]): Match[] =>
    values.map((value, place) => ({ at: 24 + 4 * place, mask: WHOLE, value }));
  const end = (0xff000000 | (bytes.readUInt32BE(12) & 0xffffff)) >>> 0;
  return {
    address,
    packets: { protocol: "ipv6", either: [to(words)] },
    // To the solicited-node multicast address (RFC 4291, 2.7.1).
    questions: { protocol: "ipv6", either: [to([0xff020000, 0, 1, end])] },
  };
}

/**
 * The same where the address may be somebody's on the guest's network, behind that link: only what goes to this port there is ours, by
 * UDP and by TCP. A packet of IPv4 with options and a fragment are not.
 */
export function asidePort(
  { address, packets, questions }: AsideAddress,
  { port, link }: { port: number; link: number },
): AsideAddress {
  const isIpv4 = packets.protocol === "ip";
  const ofPort = (protocol: number): Match[] =>
    isIpv4
      ? [...ipv4Carrying(protocol), { at: 20, mask: 0xffff, value: port }]
      : [ipv6Carrying(protocol), { at: 40, mask: 0xffff, value: port }];
  const either = packets.either.flatMap((to) => [UDP, TCP].map((protocol) => [...to, ...ofPort(protocol)]));
  return { address, packets: { ...packets, either }, questions: { ...questions, besides: link } };
}

/** Both ways: what a guest sends from its tap to the address goes to the other tap, and what comes by that goes to the guest. */
export function leadAside(
  netlink: Netlink,
  way: { from: number; to: number; aside: AsideAddress; priorities: AsidePriorities },
): void {
  const { from, to, aside, priorities } = way;
  for (const kind of ["packets", "questions"] as const) {
    const { protocol, either, besides } = aside[kind];
    const target = besides === undefined ? { to: { index: to } } : { copyTo: to, to: { index: besides } };
    for (const matches of either)
      addFilter(netlink, { from, priority: priorities[kind], protocol, matches, ...target });
  }
  addIngress(netlink, to);
  addFilter(netlink, { from: to, priority: FILTER.all, protocol: "all", to: { index: from } });
}

/** Takes the filters away that a way of before has left on the guest's tap. */
export function forgetAside(
  netlink: Netlink,
  way: { from: number; aside: AsideAddress; priorities: AsidePriorities },
): void {
  const { from, aside, priorities } = way;
  for (const kind of ["packets", "questions"] as const)
    deleteFilters(netlink, { from, protocol: aside[kind].protocol, priority: priorities[kind] });
}
