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
import { FILTER } from "./taps.ts";

/** The address, and the frames of a guest's that concern it: packets for it, and questions about it on the guest's network. */
export interface AsideAddress {
  readonly address: string;
  readonly packets: Pick<Filter, "protocol" | "matches">;
  readonly questions: Pick<Filter, "protocol" | "matches">;
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
    packets: { protocol: "ip", matches: [{ at: 16, ...match }] },
    questions: { protocol: "arp", matches: [{ at: 24, ...match }] },
  };
}

/** The link-local address that ends with these 32 bits. */
export function asideIpv6(end: number): AsideAddress {
  const hex = (part: number): string => (part & 0xffff).toString(16);
  const to = (...words: readonly number[]): Match[] =>
    words.map((value, place) => ({ at: 24 + 4 * place, mask: WHOLE, value }));
  return {
    address: `fe80::${hex(end >>> 16)}:${hex(end)}`,
    packets: { protocol: "ipv6", matches: to(0xfe800000, 0, 0, end) },
    // To the solicited-node multicast address (RFC 4291, 2.7.1).
    questions: { protocol: "ipv6", matches: to(0xff020000, 0, 1, (0xff000000 | (end & 0xffffff)) >>> 0) },
  };
}

/** Both ways: what a guest sends from its tap to the address goes to the other tap, and what comes by that goes to the guest. */
export function leadAside(
  netlink: Netlink,
  way: { from: number; to: number; aside: AsideAddress; priorities: AsidePriorities },
): void {
  const { from, to, aside, priorities } = way;
  for (const kind of ["packets", "questions"] as const)
    addFilter(netlink, { ...aside[kind], from, to: { index: to }, priority: priorities[kind] });
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
