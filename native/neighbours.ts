/** The kernel's neighbour table (rtnetlink(7), RTM_NEWNEIGH): which MAC address an IP address has on a link. */
import { addressBytes } from "./ip-address.ts";
import { formatMac, macBytes } from "./mac-address.ts";
import { attribute, attributes, type Netlink, NLM_F_CREATE } from "./netlink.ts";

const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;

const NDA_DST = 1;
const NDA_LLADDR = 2;

interface Neighbour {
  /** The link's. */
  readonly index: number;
  readonly address: string;
}

/** Has the kernel ask for one that it does not know; it would forget one that it does. */
export function askNeighbour(netlink: Netlink, { index, address }: Neighbour): void {
  const NTF_USE = 1;
  const body = Buffer.concat([header(index, address, NTF_USE), attribute(NDA_DST, addressBytes(address))]);
  netlink.request({ type: RTM_NEWNEIGH, flags: NLM_F_CREATE, body, what: "ask a neighbour" });
}

/** The kernel need not ask for this one, and does not forget it. */
export function keepNeighbour(netlink: Netlink, { index, address, mac }: Neighbour & { mac: string }): void {
  const NUD_PERMANENT = 0x80;
  const message = header(index, address, 0);
  message.writeUInt16LE(NUD_PERMANENT, 8);
  const known = [attribute(NDA_DST, addressBytes(address)), attribute(NDA_LLADDR, macBytes(mac))];
  const body = Buffer.concat([message, ...known]);
  netlink.request({ type: RTM_NEWNEIGH, flags: NLM_F_CREATE, body, what: "add a neighbour" });
}

/** "02:42:ac:11:00:02", or null where nobody has answered. */
export function macOfNeighbour(netlink: Netlink, { index, address }: Neighbour): string | null {
  // Reachable, stale, delayed, probed, permanent.
  const VALID = 0x02 | 0x04 | 0x08 | 0x10 | 0x80;
  const wanted = addressBytes(address);
  for (const body of netlink.dump({
    type: RTM_GETNEIGH,
    body: header(index, address, 0),
    what: "list neighbours",
  })) {
    if (body.readInt32LE(4) !== index || (body.readUInt16LE(8) & VALID) === 0) continue;
    const found = attributes(body, 12);
    const mac = found.get(NDA_LLADDR);
    if (mac && found.get(NDA_DST)?.equals(wanted)) return formatMac(mac);
  }
  return null;
}

/** struct ndmsg */
function header(index: number, address: string, flags: number): Buffer {
  const [AF_INET, AF_INET6] = [2, 10];
  const message = Buffer.alloc(12);
  message.writeUInt8(address.includes(":") ? AF_INET6 : AF_INET, 0);
  message.writeInt32LE(index, 4);
  message.writeUInt8(flags, 10);
  return message;
}
