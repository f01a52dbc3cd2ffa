/** What decides by which link a packet leaves: routes of all tables, and the rules that choose a table (ip-rule(8)). */
import { formatAddress } from "./ip-address.ts";
import { attributes, type Netlink } from "./netlink.ts";
import { nextHops } from "./rtnetlink.ts";

const RTM_GETROUTE = 26;
const RTM_GETRULE = 34;
const AF_INET = 2;
const AF_INET6 = 10;

const TABLE = { default: 253, main: 254, local: 255 };

export interface TableRoute {
  /** "default", or as in "10.8.0.0/24". */
  readonly destination: string;
  /** Of the links that it leads by; none where it refuses packets. */
  readonly links: readonly number[];
}

/** Those of IPv4 and IPv6, but for the namespace's own addresses and what the kernel refuses by itself. */
export function listTableRoutes(netlink: Netlink): TableRoute[] {
  const RTA_DST = 1;
  const RTA_OIF = 4;
  const RTA_MULTIPATH = 9;
  const RTPROT_KERNEL = 2;
  const [RTN_UNICAST, RTN_BLACKHOLE, RTN_PROHIBIT] = [1, 6, 8];
  return netlink.dump({ type: RTM_GETROUTE, body: Buffer.alloc(12), what: "list routes" }).flatMap((body) => {
    const [family, prefix, , , table, protocol, , type = 0] = body;
    const isRefusal = type >= RTN_BLACKHOLE && type <= RTN_PROHIBIT && protocol !== RTPROT_KERNEL;
    if (!isIp(family) || table === TABLE.local || !(type === RTN_UNICAST || isRefusal)) return [];
    const found = attributes(body, 12);
    const address = found.get(RTA_DST);
    const destination = address ? `${formatAddress(address)}/${prefix}` : "default";
    if (isRefusal) return [{ destination, links: [] }];
    const multipath = found.get(RTA_MULTIPATH);
    const links = multipath
      ? nextHops(multipath).map(({ index }) => index)
      : [found.get(RTA_OIF)?.readUInt32LE(0) ?? 0];
    return [{ destination, links }];
  });
}

export interface PolicyRule {
  readonly family: 4 | 6;
  readonly priority: number;
}

/** Those that lead elsewhere than to the three tables that every namespace has. */
export function listOwnRules(netlink: Netlink): PolicyRule[] {
  const FRA_PRIORITY = 6;
  const FRA_TABLE = 15;
  const [FR_ACT_TO_TBL, FR_ACT_NOP] = [1, 3];
  return netlink.dump({ type: RTM_GETRULE, body: Buffer.alloc(12), what: "list rules" }).flatMap((body) => {
    const [family, , , , short = 0, , , action] = body;
    if (!isIp(family) || action === FR_ACT_NOP) return [];
    const found = attributes(body, 12);
    const table = found.get(FRA_TABLE)?.readUInt32LE(0) ?? short;
    if (action === FR_ACT_TO_TBL && table >= TABLE.default && table <= TABLE.local) return [];
    return [{ family: family === AF_INET ? 4 : 6, priority: found.get(FRA_PRIORITY)?.readUInt32LE(0) ?? 0 }];
  });
}

const isIp = (family: number | undefined): boolean => family === AF_INET || family === AF_INET6;
