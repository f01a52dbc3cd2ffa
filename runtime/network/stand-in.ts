/** A program on a guest's tap that answers, in a gateway's name, who asks for others' MAC addresses. */
import { loadProgram } from "../../native/bpf.ts";
import { addressBytes } from "../../native/ip-address.ts";
import { macBytes } from "../../native/mac-address.ts";
import { askNeighbour, macOfNeighbour } from "../../native/neighbours.ts";
import type { Netlink } from "../../native/netlink.ts";
import type { Link } from "../../native/rtnetlink.ts";
import { addProgram } from "../../native/traffic-control.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { leaveBy, load, put, save, VERDICT } from "./program-parts.ts";
import type { Router } from "./routed.ts";
import { FILTER } from "./taps.ts";

/** Milliseconds that a gateway may take to answer: a link that has just come up keeps IPv6 silent for 2 s and more (RFC 4862, 5.4). */
const PATIENCE = 5000;
const AGAIN = 250;
const PAUSE = 2;

interface Found extends Pick<Router, "standsFor"> {
  readonly mac: string;
}

/** The gateway's MAC address, by the network namespace's own stack. Throws UnikrunError where it does not answer. */
export function findRouter(
  netlink: Netlink,
  { link, router, containerId }: { link: Link; router: Router; containerId: string },
): Found {
  const { address, standsFor } = router;
  const mac = macOf(netlink, { index: link.index, address });
  if (mac) return { mac, standsFor };
  throw new UnikrunError(
    `Container ${containerId}: the gateway ${address} of its interface ${link.name} does not answer, and its guest could not find it either: see whether its network plugin has set up the other end.`,
  );
}

/** Null where it does not answer within `patience` milliseconds. */
export function macOf(
  netlink: Netlink,
  neighbour: { index: number; address: string },
  patience = PATIENCE,
): string | null {
  const began = performance.now();
  for (let asked = began - AGAIN; performance.now() < began + patience; Bun.sleepSync(PAUSE)) {
    const mac = macOfNeighbour(netlink, neighbour);
    if (mac) return mac;
    if (performance.now() < asked + AGAIN) continue;
    asked = performance.now();
    askNeighbour(netlink, neighbour);
  }
  return null;
}

/** Has a guest's tap answer for those whom the gateway stands for. Throws UnikrunError where the kernel has no such programs. */
export function standIn(
  netlink: Netlink,
  { tap, mac, standsFor, containerId }: Found & { tap: number; containerId: string },
): void {
  const text = "only" in standsFor ? standsFor.only : standsFor.allBut;
  const answer = { target: addressBytes(text), isOnly: "only" in standsFor, mac: macBytes(mac), tap };
  const isIpv4 = answer.target.length === 4;
  const place = isIpv4
    ? ({ priority: FILTER.routedIpv4, protocol: "arp" } as const)
    : ({ priority: FILTER.routedIpv6, protocol: "ipv6" } as const);
  try {
    using program = loadProgram("unikrun_for_all", isIpv4 ? answerArp(answer) : answerNeighbours(answer));
    addProgram(netlink, { ...place, from: tap, program: program.fd, name: "stand-in" });
  } catch (cause) {
    throw new UnikrunError(
      `Container ${containerId}: its gateway is outside its subnet, or others of the subnet are behind it; for such networks the kernel needs eBPF in its traffic control (${reasonOf(cause)}): modprobe cls_bpf.`,
      { cause },
    );
  }
}

interface Answer {
  readonly target: Buffer;
  /** Whether to answer for the target, and not for all others. */
  readonly isOnly: boolean;
  readonly mac: Buffer;
  readonly tap: number;
}

/** Goes on where the packet's address at this place is one to answer for. */
const select = (at: number, { target, isOnly }: Answer): string => {
  const words = Array.from({ length: target.length / 4 }, (_, word) => [
    at + 4 * word,
    target.readInt32BE(4 * word),
  ]);
  const tests = words.map(
    ([place, value]) => `r0 = *(u32 *)skb[${place}]; if w0 != ${value} goto ${isOnly ? "next" : "answer"}`,
  );
  return `${tests.join("\n  ")}\n  ${isOnly ? "" : "goto next"}`;
};

/** A request comes back as the answer (RFC 826): operation, MAC and IP address of the sender and of the target, from byte 20 on. */
const answerArp = (answer: Answer): string => `
  r6 = r1
  r0 = *(u16 *)skb[20]; if w0 != 1 goto next
  ${select(38, answer)}
answer:
  ${put(24, Buffer.concat([Buffer.from([0, 2]), answer.mac]))}
  ${load(38, 16, 4)}
  ${load(22, 12, 10)}
  ${save(20, 24, 22)}
  ${save(0, 12, 6)}
  ${save(6, 22, 6)}
  ${leaveBy(answer.tap)}
next:
  r0 = ${VERDICT.next}; exit`;

/**
 * A neighbour solicitation with its one option, the asker's MAC address, comes back as the advertisement (RFC 4861, 4.3 and 4.4). Who looks
 * whether an address is free asks from "::", and is not answered.
 */
const answerNeighbours = (answer: Answer): string => `
  r6 = r1
  r0 = *(u8 *)skb[20]; if w0 != 58 goto next
  r0 = *(u8 *)skb[54]; if w0 != 135 goto next
  r0 = *(u16 *)skb[18]; if w0 != 32 goto next
  r0 = *(u32 *)skb[22]; if w0 == 0 goto next
  ${select(62, answer)}
answer:                            // what the checksum is of, as it was and as it will be: type, flags, option, one address
  ${put(64, Buffer.from([135, 0, 0, 0]))}
  ${load(58, 60, 4)}
  ${load(78, 56, 8)}
  ${load(38, 48, 16)}
  ${put(32, Buffer.concat([Buffer.from([136, 0, 0, 0, 0xe0, 0, 0, 0, 2, 1]), answer.mac]))}
  ${load(62, 16, 16)}
  r1 = r10; r1 += -64; r2 = 32; r3 = r10; r3 += -32; r4 = 32; r5 = 0; call csum_diff
  r1 = r6; r2 = 56; r3 = 0; r4 = r0; r5 = 0; call l4_csum_replace
  ${load(22, 48, 16)}
  ${save(38, 48, 16)}
  ${save(22, 16, 16)}
  ${save(54, 32, 2)}
  ${save(58, 28, 4)}
  ${save(78, 24, 8)}
  ${save(0, 54, 6)}
  ${save(6, 22, 6)}
  ${leaveBy(answer.tap)}
next:
  r0 = ${VERDICT.next}; exit`;
