/**
 * Routes that a guest can't be told. What it knows no better way for it sends to its default gateway; a program on its tap takes out what
 * the namespace has another route for by the same interface, and has the namespace's own stack find the next hop and its MAC address,
 * by its table and its neighbours as they are then (bpf_redirect_neigh, Linux 5.10).
 */
import { loadProgram } from "../../native/bpf.ts";
import { addressBytes } from "../../native/ip-address.ts";
import type { Netlink } from "../../native/netlink.ts";
import { addProgram } from "../../native/traffic-control.ts";
import { type Nic, printable } from "./nics.ts";
import { VERDICT } from "./program-parts.ts";
import { routeWords, type StaticRoute } from "./routes.ts";
import { FILTER } from "./taps.ts";

/** Of a family: a program is limited to 4,096 instructions. */
const MOST = 256;

/** Returns the routes that the guest does not have, for the log: by another card than its default gateway's, or all where the kernel has no such programs. */
export function addDetours(netlink: Netlink, { nic, tap }: { nic: Nic; tap: number }): string[] {
  const { routes = [], gateways, link } = nic;
  return ([4, 6] as const).flatMap((family) => {
    const own = routes.filter((route) => route.family === family);
    const served = gateways.some((gateway) => gateway.family === family) ? own.slice(0, MOST) : [];
    const isDone = served.length > 0 && tryDetour(netlink, { family, routes: served, link: link.index, tap });
    return own
      .slice(isDone ? served.length : 0)
      .map((route) => `${routeWords(route)} dev ${printable(link.name)}`);
  });
}

interface Detour {
  readonly family: 4 | 6;
  readonly routes: readonly StaticRoute[];
  readonly link: number;
  readonly tap: number;
}

function tryDetour(netlink: Netlink, detour: Detour): boolean {
  const place =
    detour.family === 4
      ? ({ priority: FILTER.detourIpv4, protocol: "ip" } as const)
      : ({ priority: FILTER.detourIpv6, protocol: "ipv6" } as const);
  try {
    using program = loadProgram("unikrun_detour", programOf(detour));
    addProgram(netlink, { ...place, from: detour.tap, program: program.fd, name: "detour" });
    return true;
  } catch {
    return false;
  }
}

const programOf = ({ family, routes, link }: Detour): string => `
  r6 = r1
  ${routes.map((route, number) => select(family, route, number)).join("\n")}
  r0 = ${VERDICT.next}; exit
there:
  r1 = ${link}; r2 = 0; r3 = 0; r4 = 0; call redirect_neigh; exit`;

/** Where a packet's destination stands in its frame. */
const DESTINATION = { 4: 30, 6: 38 } as const;

/** Goes there where the destination is the route's; compares words of 32 bits as far as its prefix goes. */
function select(family: 4 | 6, { address, prefix }: StaticRoute, number: number): string {
  const bytes = addressBytes(address);
  const words = Array.from({ length: Math.ceil(prefix / 32) }, (_, word) => {
    const bits = Math.min(32, prefix - 32 * word);
    const mask = bits === 32 ? -1 : ~(0xffffffff >>> bits);
    const value = bytes.readInt32BE(4 * word) & mask;
    return `r0 = *(u32 *)skb[${DESTINATION[family] + 4 * word}]; r0 &= ${mask}; if w0 != ${value} goto next${number}`;
  });
  return `${words.join("\n  ")}
  goto there
next${number}:`;
}
