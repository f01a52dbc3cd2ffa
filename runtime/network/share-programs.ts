/** The programs that tell a guest's frames from those of the other programs in its network namespace (share.ts). */
import { addressBytes } from "../../native/ip-address.ts";
import { TCP, UDP } from "./packets.ts";
import { leaveBy, load, put, save, VERDICT } from "./program-parts.ts";

const LOOPBACK = 1;
const [ICMP, ICMPV6] = [1, 58];
/** bpf_l4_csum_replace: 4 bytes, which the TCP checksum's pseudo header has, too. */
const PSEUDO_HEADER = 0x14;

/** What localhost and the shared address of the programs are to the guest: IETF's own (RFC 6890), so no host is there. */
const AS_LOCALHOST = "192.0.0.8";
export const AS_OWN = "192.0.0.12";

/** An address as the packet has it in memory, and as `skb[…]` reads it. */
const memory = (address: string): number => addressBytes(address).readInt32LE(0);
const number = (address: string): number => addressBytes(address).readInt32BE(0);

/** r0: a socket of the namespace for the tuple of `length` bytes at the frame's top, or 0. */
const lookUp = (helper: "skc_lookup_tcp" | "sk_lookup_udp", length: number): string => `
  r1 = r6; r2 = r10; r2 += -${length}; r3 = ${length}; r4 = -1; r5 = 0; call ${helper}`;

const LOAD_IPV4 = load(26, 12, 12);
const LOAD_IPV6 = load(22, 36, 36);

/** Goes on where a packet of IPv4 has no options and is no fragment. */
const plainIpv4 = (otherwise: string): string => `
  r0 = *(u8 *)skb[14]; if w0 != 0x45 goto ${otherwise}
  r0 = *(u16 *)skb[20]; if w0 & 0x3fff goto ${otherwise}`;

/** On an interface: the stack gets what one of its sockets waits for, and both get what tells of neighbours, errors and echoes. */
export const incoming = (tap: number): string => `
  r6 = r1
  r0 = *(u16 *)skb[12]
  if w0 == 0x0800 goto ipv4
  if w0 == 0x86dd goto ipv6
  if w0 != 0x0806 goto guest
  r0 = *(u16 *)skb[20]             // ARP: replies
  if w0 == 2 goto both
  goto guest
ipv4: ${plainIpv4("guest")}
  r0 = *(u8 *)skb[23]
  if w0 == ${TCP} goto tcp
  if w0 == ${UDP} goto udp
  if w0 != ${ICMP} goto guest
  r0 = *(u8 *)skb[34]              // all but requests for an echo
  if w0 == 8 goto guest
  goto both
ipv6:
  r0 = *(u8 *)skb[20]
  if w0 == ${TCP} goto tcp6
  if w0 == ${UDP} goto udp6
  if w0 != ${ICMPV6} goto guest
  r0 = *(u8 *)skb[54]              // errors, echoes, neighbour advertisements
  if w0 == 129 goto both
  if w0 == 136 goto both
  if w0 & 0x80 goto guest
both:
  r1 = r6; r2 = ${tap}; r3 = 0; call clone_redirect
  r0 = ${VERDICT.stack}; exit
tcp: ${LOAD_IPV4}; ${lookUp("skc_lookup_tcp", 12)}; goto found
udp: ${LOAD_IPV4}; ${lookUp("sk_lookup_udp", 12)}; goto found
tcp6: ${LOAD_IPV6}; ${lookUp("skc_lookup_tcp", 36)}; goto found
udp6: ${LOAD_IPV6}; ${lookUp("sk_lookup_udp", 36)}
found:
  if r0 == 0 goto guest
  r1 = r0; call sk_release
  r0 = ${VERDICT.stack}; exit
guest:
  r0 = ${VERDICT.next}; exit`;

/** The address at this place of the packet, in one register, becomes that in another. */
const exchange = (at: number, old: string, next: string): string => `
  r1 = r6; r2 = 50; r3 = ${old}; r4 = ${next}; r5 = ${PSEUDO_HEADER}; call l4_csum_replace
  r1 = r6; r2 = 24; r3 = ${old}; r4 = ${next}; r5 = 4; call l3_csum_replace
  *(u32 *)(r10 - 4) = ${next}
  ${save(at, 4, 4)}`;

/** Ends: the packet leaves by that link with these two MAC addresses, 12 bytes. */
const leaveAs = (link: number, macs: Buffer): string => `
  ${put(12, macs)}
  ${save(0, 12, 12)}
  ${leaveBy(link)}`;

/**
 * Goes to `found` with the address that r0 stands for in r7, and what it is to the guest in r8: localhost or the shared one, by the two
 * forms that it may have.
 */
const tellSide = (
  own: string,
  [localhost, shared]: readonly [string, string],
  found: string,
  otherwise: string,
): string => `
  r7 = ${memory("127.0.0.1")}; r8 = ${memory(AS_LOCALHOST)}
  if w0 == ${number(localhost)} goto ${found}
  r7 = ${memory(own)}; r8 = ${memory(AS_OWN)}
  if w0 != ${number(shared)} goto ${otherwise}`;

/** On lo: what programs send to localhost or their own address is for the guest where no socket waits for it. */
export const toGuest = ({ own, macs, tap }: { own: string; macs: Buffer; tap: number }): string => `
  r6 = r1
  r0 = *(u16 *)skb[12]; if w0 != 0x0800 goto pass
  ${plainIpv4("pass")}
  r0 = *(u8 *)skb[23]; if w0 != ${TCP} goto pass
  r0 = *(u32 *)skb[26]; r7 = r0
  r0 = *(u32 *)skb[30]; if w0 != w7 goto pass
  ${tellSide(own, ["127.0.0.1", own], "look", "pass")}
look: ${LOAD_IPV4}; ${lookUp("skc_lookup_tcp", 12)}
  if r0 == 0 goto guest
  r1 = r0; call sk_release
pass:
  r0 = ${VERDICT.stack}; exit
guest:
  r9 = ${memory(own)}
  ${exchange(26, "r7", "r8")}
  ${exchange(30, "r7", "r9")}
  ${leaveAs(tap, macs)}`;

/** On the guest's tap: what it sends to those, its answers and connections of its own. */
export const fromGuest = ({ own }: { own: string }): string => `
  r6 = r1
  r0 = *(u16 *)skb[12]; if w0 != 0x0800 goto next
  r0 = *(u32 *)skb[30]
  ${tellSide(own, [AS_LOCALHOST, AS_OWN], "ours", "next")}
ours: ${plainIpv4("drop")}
  r0 = *(u8 *)skb[23]; if w0 != ${TCP} goto drop
  r0 = *(u32 *)skb[26]; if w0 != ${number(own)} goto drop
  *(u32 *)(r10 - 12) = r7          // a socket of the namespace has the guest's port? Then it would speak in that one's name.
  *(u32 *)(r10 - 8) = r7
  ${load(36, 4, 2)}
  ${load(34, 2, 2)}
  ${lookUp("skc_lookup_tcp", 12)}
  if r0 == 0 goto rewrite
  r1 = r0; call sk_release
drop:
  r0 = ${VERDICT.nowhere}; exit
rewrite:
  r9 = ${memory(own)}
  ${exchange(26, "r9", "r7")}
  ${exchange(30, "r8", "r7")}
  r1 = r6; r2 = 0; call skb_change_type
  ${leaveAs(LOOPBACK, Buffer.alloc(12))}
next:
  r0 = ${VERDICT.next}; exit`;
