/** The programs that turn published ports into the guest's own, and back (published-rules.ts). */
import { addressBytes } from "../../native/ip-address.ts";
import { TCP, UDP } from "./packets.ts";
import { load, swapped, VERDICT } from "./program-parts.ts";
import type { PublishedPort } from "./published-rules.ts";

const SCTP = 132;

/**
 * Who speaks to the guest: his address and port, the guest's port, and the protocol, 12 bytes; with the port that he asked for, in 4. As
 * many as a busy server has, of whom those who were not heard of for longest are forgotten.
 */
export const PEERS = { key: 12, value: 4, most: 16_384 };

interface Turned {
  readonly address: string;
  readonly ports: readonly PublishedPort[];
  /** The descriptor of a map for PEERS. */
  readonly peers: number;
}

const numberOf = (protocol: PublishedPort["protocol"]): number => (protocol === "tcp" ? TCP : UDP);

/**
 * Goes on where the packet has this address at that place, with its protocol in w9, the place of its ports in r8, and the ports themselves
 * in the frame, the source's 4 bytes below its top. Fragments behind the first have none, and nobody can do anything with
 * them alone.
 */
const select = (address: string, at: number): string => `
  r6 = r1
  r0 = *(u16 *)skb[12]; if w0 != 0x0800 goto pass
  r0 = *(u32 *)skb[${at}]; if w0 != ${addressBytes(address).readInt32BE(0)} goto pass
  r0 = *(u8 *)skb[23]; r9 = r0
  if w9 == ${TCP} goto ports
  if w9 == ${UDP} goto ports
  if w9 == ${SCTP} goto drop
  goto pass
ports:
  r0 = *(u16 *)skb[20]; if w0 & 0x1fff goto pass
  r0 = *(u8 *)skb[14]; r0 &= 15; r0 <<= 2; r0 += 14; r8 = r0
  r1 = r6; r2 = r8; r3 = r10; r3 += -4; r4 = 4; call skb_load_bytes
  if w0 != 0 goto drop`;

/** r0: where it is kept what a peer asked for, or 0. His address is at this place; his port and the guest's are in the frame already. */
const lookUp = ({ peers }: Turned, at: number): string => `
  ${load(at, 16, 4)}
  *(u32 *)(r10 - 8) = r9
  r1 = map ${peers}; r2 = r10; r2 += -16; call map_lookup_elem`;

/** The port at the frame's `below` becomes that in r7, there and `offset` behind the ports' place; then the packet goes on. */
const turn = (below: number, offset: number): string => `
  r3 = *(u16 *)(r10 - ${below})
  if w3 == w7 goto pass
  r1 = r6; r2 = r8; r2 += 16; r4 = r7; r5 = 2
  if w9 == ${TCP} goto sum
  r2 += -10; r5 = 0x22             // UDP's checksum may be none: it stays so
sum:
  call l4_csum_replace
  if w0 != 0 goto drop
  *(u16 *)(r10 - ${below}) = r7
  r1 = r6; r2 = r8; r2 += ${offset}; r3 = r10; r3 += -${below}; r4 = 2; r5 = 0; call skb_store_bytes
pass:
  r0 = ${VERDICT.next}; exit
drop:
  r0 = ${VERDICT.nowhere}; exit`;

/** On the interface: to a published port, or to the guest's own behind one. All else for the address goes nowhere. */
export const toOwnPort = (turned: Turned): string => {
  const { address, ports, peers } = turned;
  const choose = ports.map(
    ({ protocol, published, own }, place) => `
  if w7 != ${swapped(published)} goto not${place}
  if w9 != ${numberOf(protocol)} goto not${place}
  r7 = ${swapped(own)}; goto found
not${place}:`,
  );
  const accept = ports.map(
    ({ protocol, own }, place) => `
  if w7 != ${swapped(own)} goto other${place}
  if w9 == ${numberOf(protocol)} goto found
other${place}:`,
  );
  return `${select(address, 30)}
  r7 = *(u16 *)(r10 - 2)
  ${choose.join("")}${accept.join("")} goto drop
found:
  r1 = *(u16 *)(r10 - 4)
  *(u16 *)(r10 - 12) = r1
  *(u16 *)(r10 - 10) = r7
  ${lookUp(turned, 26)}
  r2 = *(u16 *)(r10 - 2)
  if r0 == 0 goto remember
  r1 = *(u32 *)(r0 + 0)
  if w1 == w2 goto turn
remember:
  *(u32 *)(r10 - 20) = r2
  r1 = map ${peers}; r2 = r10; r2 += -16; r3 = r10; r3 += -20; r4 = 0; call map_update_elem
turn: ${turn(2, 2)}`;
};

/** On the guest's tap: only answers leave from the address, from the port that was asked. */
export const fromOwnPort = (turned: Turned): string => `${select(turned.address, 26)}
  r1 = *(u16 *)(r10 - 2)
  *(u16 *)(r10 - 12) = r1
  r1 = *(u16 *)(r10 - 4)
  *(u16 *)(r10 - 10) = r1
  ${lookUp(turned, 30)}
  if r0 == 0 goto drop
  r7 = *(u32 *)(r0 + 0)
  ${turn(4, 0)}`;
