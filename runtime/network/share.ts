/**
 * A guest shares its network namespace with other programs: a pod's sidecars, or those of docker run --network container:NAME. All
 * have one address. What comes in is for the program that has a socket for it, else for the guest; and what a program sends
 * to localhost or to their address is for the guest where no other listens.
 */
import { loadProgram } from "../../native/bpf.ts";
import { readText, writeControl } from "../../native/files.ts";
import { macBytes } from "../../native/mac-address.ts";
import type { Netlink } from "../../native/netlink.ts";
import { addIngress, addProgram, deleteIngress, programNames } from "../../native/traffic-control.ts";
import type { Nic } from "./nics.ts";
import { fromGuest, incoming, toGuest } from "./share-programs.ts";
import { FILTER, isOurs, ownerOfProgram, programName } from "./taps.ts";

const LOOPBACK = 1;
const SYSCTL = "/proc/sys/net/ipv4";

/** Prepares the namespace that this thread is in. */
export function allowSharing(): void {
  // What the guest sends to a program comes in by lo, with addresses that only lo has.
  for (const name of ["route_localnet", "accept_local"]) writeControl(`${SYSCTL}/conf/lo/${name}`, "1");
  // Ports that no usual guest chooses for its own connections, unless somebody has chosen others.
  const ports = `${SYSCTL}/ip_local_port_range`;
  if (/^32768\s60999$/.test(readText(ports).trim())) writeControl(ports, "28672 32767");
}

export interface SharedCard {
  readonly nic: Nic;
  readonly tap: number;
  /** The guest's. */
  readonly mac: string;
}

/** `owner`, the name of a tap of the machine, marks what is done to lo. Throws an Error where the kernel has no such programs. */
export function shareNetwork(options: {
  netlink: Netlink;
  undo: DisposableStack;
  cards: readonly SharedCard[];
  owner: string;
}): void {
  const { netlink, undo, cards, owner } = options;
  const attach = (from: number, name: string, text: string): void => {
    using program = loadProgram(`unikrun_${name}`, text);
    const filter = { from, priority: FILTER.share, protocol: "all" } as const;
    addProgram(netlink, { ...filter, program: program.fd, name: programName(owner, name) });
  };
  for (const { nic, tap } of cards) attach(nic.link.index, "in", incoming(tap));
  for (const { nic, mac, tap } of cards) {
    const own = nic.addresses.find(({ family }) => family === 4)?.address;
    // The guest's answers leave by its gateway.
    if (own === undefined || !nic.gateways.some(({ family }) => family === 4)) continue;
    claimLoopback(netlink);
    undo.defer(() => deleteIngress(netlink, LOOPBACK));
    const macs = macBytes(`${mac}:${OURS}`);
    attach(LOOPBACK, "to", toGuest({ own, macs, tap }));
    attach(tap, "from", fromGuest({ own }));
    return;
  }
}

/** Whom the guest gets those frames from. */
const OURS = "02:00:00:00:00:01";

/** A machine that was there before us has no interface any more, so it has ended. */
function claimLoopback(netlink: Netlink): void {
  const names = programNames(netlink, LOOPBACK);
  if (names.length > 0 && names.every(isOurs)) deleteIngress(netlink, LOOPBACK);
  addIngress(netlink, LOOPBACK);
}

/** Takes away what `owner` did to lo. Idempotent. */
export function endSharing(netlink: Netlink, owner: string): void {
  if (programNames(netlink, LOOPBACK).some((name) => ownerOfProgram(name) === owner))
    deleteIngress(netlink, LOOPBACK);
}
