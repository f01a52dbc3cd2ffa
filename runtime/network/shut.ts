/**
 * A rump kernel's server of system calls does whatever it is asked, and asks nobody who he is. So nobody reaches it but unikrun's own
 * visitors (visit.ts). All that goes to a guest leaves by its tap, whatever brought it there: filters on eth0 and lo,
 * or a program in the namespace that sends frames on the tap itself. Programs at the tap's egress tell by which link it came.
 */
import { loadProgram } from "../../native/bpf.ts";
import type { Netlink } from "../../native/netlink.ts";
import { addProgram, deleteFilters } from "../../native/traffic-control.ts";
import { inUserNamespace } from "../../native/user-namespace.ts";
import { reasonOf } from "../error.ts";
import type { Nic } from "./nics.ts";
import { TCP } from "./packets.ts";
import { swapped, VERDICT } from "./program-parts.ts";
import { FILTER, programName, type Tap } from "./taps.ts";

/**
 * Where a guest's kernel takes system calls. Below it are the services' ports, above it those that programs beside a guest have for
 * their connections (share.ts), and guests' own begin at 32768 or 49152.
 */
export const PROXY_PORT = 28671;

/** A guest's tap, and the links by which others' frames get there. */
interface Way {
  readonly tap: number;
  readonly from: readonly number[];
  /** The name of a tap of the machine. */
  readonly owner: string;
}

const SHUT = { priority: FILTER.shut, protocol: "all", way: "out" } as const;
const CLOSED_OUT = { priority: FILTER.closed, protocol: "all", way: "out" } as const;
const CLOSED_IN = { priority: FILTER.closed, protocol: "all", way: "in" } as const;

/** Nobody but visitors reaches the guest's port. Throws an Error where the kernel has no such programs. */
function shutPort(netlink: Netlink, { tap, from, owner }: Way): void {
  using program = loadProgram("unikrun_shut", shut(from));
  addProgram(netlink, { ...SHUT, from: tap, program: program.fd, name: programName(owner, "shut") });
}

/** Nothing but visitors' frames gets to the guest, or from it to others. */
function closeNetwork(netlink: Netlink, { tap, from, owner }: Way): void {
  using into = loadProgram("unikrun_closed", `${selectOthers(from)}\nother: ${END.drop}`);
  using out = loadProgram("unikrun_closed", END.drop);
  addProgram(netlink, { ...CLOSED_OUT, from: tap, program: into.fd, name: programName(owner, "closed") });
  addProgram(netlink, { ...CLOSED_IN, from: tap, program: out.fd, name: programName(owner, "closed") });
}

/** To the guest first: it hears of nobody whom it can't answer. */
export function openNetwork(netlink: Netlink, tap: number): void {
  deleteFilters(netlink, { ...CLOSED_IN, from: tap });
  deleteFilters(netlink, { ...CLOSED_OUT, from: tap });
}

/** Before a frame can get to the guest, since nobody reads its taps yet. Returns why that can't be, a clause. */
export function guardCards(
  netlink: Netlink,
  options: { cards: readonly { nic: Nic; tap: Tap }[]; guard: "shut" | "closed"; owner: string },
): string | undefined {
  const { cards, guard, owner } = options;
  const from = cards.map(({ nic }) => nic.link.index);
  try {
    for (const { tap } of cards) {
      shutPort(netlink, { tap: tap.index, from, owner });
      if (guard === "closed") closeNetwork(netlink, { tap: tap.index, from, owner });
    }
    return undefined;
  } catch (cause) {
    const advice = inUserNamespace()
      ? ", which a rootless engine may not load"
      : ` (${reasonOf(cause)}): modprobe cls_bpf`;
    return `that takes eBPF in the kernel's traffic control${advice}`;
  }
}

const LOOPBACK = 1;
/** What was not received, but made in the namespace. */
const NOWHERE = 0;
/** The place of ingress_ifindex in the context, a struct __sk_buff. */
const CAME_BY = 36;

const END = {
  pass: `r0 = ${VERDICT.next}; exit`,
  drop: `r0 = ${VERDICT.nowhere}; exit`,
};

/** Goes on with r6 as the context, to `other` for what does not come from visitors. */
const selectOthers = (from: readonly number[]): string => `
  r6 = r1
  r0 = *(u32 *)(r6 + ${CAME_BY})
  ${[NOWHERE, LOOPBACK, ...from].map((link) => `if w0 == ${link} goto other`).join("; ")}
pass: ${END.pass}`;

/**
 * A first fragment has the ports, and those that follow begin behind them; one that is too short for them goes nowhere. A guest looks
 * through a VLAN's tag, which the kernel has taken off what it received.
 */
const shut = (from: readonly number[]): string => `${selectOthers(from)}
other:
  r0 = *(u16 *)skb[12]
  if w0 == 0x8100 goto drop
  if w0 == 0x88a8 goto drop
  if w0 != 0x0800 goto pass
  r0 = *(u8 *)skb[23]; if w0 != ${TCP} goto pass
  r0 = *(u16 *)skb[20]; if w0 & 0x1fff goto pass
  r0 = *(u8 *)skb[14]
  r0 &= 15; r0 <<= 2; r0 += 16       // past the header with its options, at the port that it goes to
  r1 = r6; r2 = r0; r3 = r10; r3 += -4; r4 = 2; call skb_load_bytes
  if w0 != 0 goto drop
  r0 = *(u16 *)(r10 - 4)
  if w0 != ${swapped(PROXY_PORT)} goto pass
drop: ${END.drop}`;
