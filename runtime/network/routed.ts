/**
 * Networks on which everybody is behind the gateway, even those of one's own subnet: Calico, Cilium and some clouds give a pod an address
 * alone (/32) and a gateway outside it; the CNI plugin ptp a subnet that is not on the link. A guest that knows subnets only is told of
 * one with a gateway in it, and whomever it asks for by ARP, a program on its tap answers with the real gateway's MAC address.
 */
import { loadProgram } from "../../native/bpf.ts";
import { addressBytes, inSubnet } from "../../native/ip-address.ts";
import { askNeighbour, macOfNeighbour } from "../../native/neighbours.ts";
import type { Netlink } from "../../native/netlink.ts";
import { formatAddress, type Link, type Route } from "../../native/rtnetlink.ts";
import { addProgram } from "../../native/traffic-control.ts";
import type { BootNic } from "../guest/guest.ts";
import { FILTER } from "./taps.ts";

type Addressing = Pick<BootNic, "addresses" | "gateways">;

/** So large a subnet has nobody at its ends, who could not be spoken to. */
const WIDE = 8;

/** What a guest is to be told in place of `given`, and the gateway that there is; undefined where others are on the link. */
export function routedAddressing(
  link: Link,
  given: Addressing,
  routes: readonly Route[],
): (Addressing & { readonly router: string }) | undefined {
  const own = given.addresses.find(({ family }) => family === 4);
  const gateway = given.gateways.find(({ family }) => family === 4);
  if (!own || !gateway) return undefined;
  const isOnLink = routes.some(
    ({ index, destination, gateway: by }) =>
      index === link.index &&
      by === null &&
      destination !== null &&
      destination.prefix < 32 &&
      inSubnet(own.address, destination),
  );
  if (isOnLink) return undefined;
  const router = gateway.address;
  if (own.prefix < 31 && inSubnet(router, own)) return { ...given, router };
  const told = { ...own, prefix: WIDE };
  return {
    addresses: given.addresses.map((each) => (each === own ? told : each)),
    gateways: given.gateways.map((each) =>
      each === gateway ? { ...each, address: beside(own.address) } : each,
    ),
    router,
  };
}

/** The next address, or where that is the subnet's last the one before. */
function beside(address: string): string {
  const bytes = addressBytes(address);
  const number = bytes.readUInt32BE(0);
  const last = 2 ** (32 - WIDE) - 1;
  bytes.writeUInt32BE((number & last) + 1 === last ? number - 1 : number + 1, 0);
  return formatAddress(bytes);
}

/** Milliseconds that a gateway may take to answer. */
const PATIENCE = 2000;

/** The gateway's MAC address, by this thread's network namespace; null where it does not answer. */
export function macOfRouter(
  netlink: Netlink,
  { link, router }: { link: Link; router: string },
): string | null {
  const neighbour = { index: link.index, address: router };
  const known = macOfNeighbour(netlink, neighbour);
  if (known) return known;
  askNeighbour(netlink, neighbour);
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; Bun.sleepSync(2)) {
    const mac = macOfNeighbour(netlink, neighbour);
    if (mac) return mac;
  }
  return null;
}

/** Answers the guest for everybody but itself. Throws an Error where the kernel has no such programs. */
export function answerForAll(
  netlink: Netlink,
  { tap, own, mac }: { tap: number; own: string; mac: string },
): void {
  using program = loadProgram("unikrun_arp", answer(addressBytes(own).readInt32BE(0), mac, tap));
  addProgram(netlink, {
    from: tap,
    priority: FILTER.routed,
    protocol: "arp",
    program: program.fd,
    name: "arp",
  });
}

/** A request for another's address goes back as the answer (RFC 826): operation, MAC and address of sender and target, from byte 20 on. */
function answer(own: number, mac: string, tap: number): string {
  const start = Buffer.from(`0002${mac.replaceAll(":", "")}`, "hex");
  return `
  r6 = r1
  r0 = *(u16 *)skb[20]; if w0 != 1 goto next
  r0 = *(u32 *)skb[38]; if w0 == ${own} goto next
  *(u32 *)(r10 - 24) = ${start.readInt32LE(0)}
  *(u32 *)(r10 - 20) = ${start.readInt32LE(4)}
  r1 = r6; r2 = 38; r3 = r10; r3 += -16; r4 = 4; call skb_load_bytes
  r1 = r6; r2 = 22; r3 = r10; r3 += -12; r4 = 10; call skb_load_bytes
  r1 = r6; r2 = 20; r3 = r10; r3 += -24; r4 = 22; r5 = 0; call skb_store_bytes
  r1 = r6; r2 = 0; r3 = r10; r3 += -12; r4 = 6; r5 = 0; call skb_store_bytes
  r1 = r6; r2 = 6; r3 = r10; r3 += -22; r4 = 6; r5 = 0; call skb_store_bytes
  r1 = ${tap}; r2 = 0; call redirect
  exit
next:
  r0 = -1; exit`;
}
