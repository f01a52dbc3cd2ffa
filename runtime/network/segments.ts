/**
 * Guests that know of no other MTU than Ethernet's 1,500 bytes, on a network with a smaller one: what they send in larger frames is lost at
 * the next link without a word. So connections agree on segments that fit (TCP's option of RFC 9293, 3.7.1): two programs look at
 * each SYN, to the guest and from it, as a router with "TCPMSS --clamp-mss-to-pmtu" does. UDP's packets stay what they are.
 */
import { loadProgram } from "../../native/bpf.ts";
import type { Netlink } from "../../native/netlink.ts";
import { addProgram } from "../../native/traffic-control.ts";
import { TCP } from "./packets.ts";
import { load, save, swapped, VERDICT } from "./program-parts.ts";
import { FILTER, programName } from "./taps.ts";

/** Bytes. */
const ETHERNET = 1500;
/** Of an IP header and TCP's, without options. */
const HEADERS = { 4: 40, 6: 60 } as const;

/** Nothing where the card's MTU is Ethernet's; without eBPF in traffic control it is as if there were no such program. `owner`: a tap of the machine. */
export function fitSegments(
  netlink: Netlink,
  { link, tap, mtu, owner }: { link: number; tap: number; mtu: number; owner: string },
): void {
  if (mtu >= ETHERNET) return;
  try {
    using program = loadProgram("unikrun_segment", programFor(mtu));
    for (const from of [link, tap])
      addProgram(netlink, {
        from,
        priority: FILTER.segments,
        protocol: "all",
        program: program.fd,
        name: programName(owner, "segments"),
      });
  } catch {
    // A smaller network is no reason not to start.
  }
}

/** IPv4 without options and IPv6 without extensions, with the option first, where every TCP has it. */
const programFor = (mtu: number): string => `
  r6 = r1
  r0 = *(u16 *)skb[12]
  if w0 == 0x0800 goto ipv4
  if w0 != 0x86dd goto next
  r0 = *(u8 *)skb[20]; if w0 != ${TCP} goto next
  ${clamp(54, mtu - HEADERS[6], "six")}
ipv4:
  r0 = *(u8 *)skb[14]; if w0 != 0x45 goto next
  r0 = *(u8 *)skb[23]; if w0 != ${TCP} goto next
  r0 = *(u16 *)skb[20]; if w0 & 0x1fff goto next
  ${clamp(34, mtu - HEADERS[4], "four")}
next:
  r0 = ${VERDICT.next}; exit`;

/**
 * Makes the size in the SYN of a TCP header at that place no larger than `most`. Of its 24 bytes on the frame's top, where there are so many,
 * the flags are the 14th, and the option's kind and length the 21st and 22nd; the checksum is the 17th and 18th.
 */
const clamp = (tcp: number, most: number, name: string): string => `
  ${load(tcp, 24, 24)}
  if w0 != 0 goto next
  r0 = *(u8 *)(r10 - 11); if w0 & 2 goto ${name}
  goto next
${name}:
  r0 = *(u16 *)(r10 - 4); if w0 != ${swapped(0x0204)} goto next
  r0 = *(u16 *)skb[${tcp + 22}]; if w0 > ${most} goto ${name}large
  goto next
${name}large:
  *(u16 *)(r10 - 4) = ${swapped(most)}
  r1 = r6; r2 = ${tcp + 16}; r3 = *(u16 *)(r10 - 2); r4 = ${swapped(most)}; r5 = 2; call l4_csum_replace
  ${save(tcp + 22, 4, 2)}
  goto next`;
