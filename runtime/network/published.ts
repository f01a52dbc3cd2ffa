/** Leads published ports to a guest, whose frames meet none of the rules that do so for a program (published-rules.ts). */
import { loadProgram, makeLruMap } from "../../native/bpf.ts";
import type { Netlink } from "../../native/netlink.ts";
import { addProgram } from "../../native/traffic-control.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import type { Nic } from "./nics.ts";
import { fromOwnPort, PEERS, toOwnPort } from "./published-programs.ts";
import type { PublishedPort } from "./published-rules.ts";
import { FILTER, ownerOf, programName, type Tap } from "./taps.ts";

interface Card {
  readonly nic: Nic;
  readonly tap: Tap;
}

/** Has the guest meet what those rules say. Throws UnikrunError where the kernel has no programs for that. */
export function carryOver(
  netlink: Netlink,
  {
    cards,
    ports,
    containerId,
  }: { cards: readonly Card[]; ports: readonly PublishedPort[]; containerId: string },
): void {
  const name = programName(ownerOf(containerId), "port");
  const attach = (from: number, text: string): void => {
    using program = loadProgram("unikrun_port", text);
    addProgram(netlink, { from, priority: FILTER.published, protocol: "all", program: program.fd, name });
  };
  try {
    for (const { nic, tap } of cards) {
      for (const { address } of nic.addresses) {
        const its = ports.filter((port) => port.address === address);
        if (its.length === 0) continue;
        using peers = makeLruMap("unikrun_peers", PEERS);
        const turned = { address, ports: its, peers: peers.fd };
        attach(nic.link.index, toOwnPort(turned));
        attach(tap.index, fromOwnPort(turned));
      }
    }
  } catch (cause) {
    throw new UnikrunError(
      `Container ${containerId}: its service's published ports can't be led to a unikernel, which takes eBPF in the kernel's traffic control (${reasonOf(cause)}): modprobe cls_bpf, or publish them with mode=host.`,
      { cause },
    );
  }
}
