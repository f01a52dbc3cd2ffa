/** Whose an address of a network namespace is: its own stack's, or somebody's behind a link (rtnetlink(7)). */
import { addressBytes } from "./ip-address.ts";
import { errorCode } from "./libc.ts";
import { keepNeighbour } from "./neighbours.ts";
import { attribute, type Netlink, NLM_F_CREATE, NLM_F_EXCL } from "./netlink.ts";

const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;

const [RT_TABLE_MAIN, RT_TABLE_LOCAL] = [254, 255];
const [RT_SCOPE_LINK, RT_SCOPE_HOST] = [253, 254];
const [RTN_UNICAST, RTN_LOCAL] = [1, 2];
const [RTA_DST, RTA_OIF, RTA_PREFSRC] = [1, 4, 7];

interface Place {
  /** The link's. */
  readonly index: number;
  readonly address: string;
}

const familyOf = (address: string): number => (address.includes(":") ? 10 : 2);

/** Gives a link an address that is alone in its subnet. */
export function addAddress(netlink: Netlink, { index, address }: Place): void {
  const IFA_F_NODAD = 2;
  const [IFA_ADDRESS, IFA_LOCAL] = [1, 2];
  const bytes = addressBytes(address);
  const header = Buffer.alloc(8);
  header.writeUInt8(familyOf(address), 0);
  header.writeUInt8(bytes.length * 8, 1);
  header.writeUInt8(IFA_F_NODAD, 2);
  header.writeUInt8(address.startsWith("fe80:") ? RT_SCOPE_LINK : 0, 3);
  header.writeInt32LE(index, 4);
  const body = Buffer.concat([header, attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)]);
  netlink.request({ type: RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_EXCL, body, what: "add an address" });
}

/** What the stack sends to `address` leaves by the link, from `source`, to who has that MAC address there. */
export function addHostRoute(
  netlink: Netlink,
  { index, address, source, mac }: Place & { source: string; mac: string },
): void {
  keepNeighbour(netlink, { index, address, mac });
  const body = Buffer.concat([
    route(address, { table: RT_TABLE_MAIN, scope: RT_SCOPE_LINK, type: RTN_UNICAST }),
    attribute(RTA_OIF, index),
    attribute(RTA_PREFSRC, addressBytes(source)),
  ]);
  netlink.request({ type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_EXCL, body, what: "add a route" });
}

const OWN = { table: RT_TABLE_LOCAL, scope: RT_SCOPE_HOST, type: RTN_LOCAL };

/** The stack takes the address for somebody else's, though the link keeps it. */
export function disownAddress(netlink: Netlink, { index, address }: Place): void {
  const body = Buffer.concat([route(address, OWN), attribute(RTA_OIF, index)]);
  netlink.request({ type: RTM_DELROUTE, body, what: "give up an address" });
}

/** Takes that back. Idempotent. */
export function ownAddress(netlink: Netlink, { index, address }: Place): void {
  const own = familyOf(address) === 2 ? [attribute(RTA_PREFSRC, addressBytes(address))] : [];
  const body = Buffer.concat([route(address, OWN), attribute(RTA_OIF, index), ...own]);
  try {
    netlink.request({ type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_EXCL, body, what: "own an address" });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

/** struct rtmsg, and the destination. */
function route(address: string, kind: { table: number; scope: number; type: number }): Buffer {
  const RTPROT_KERNEL = 2;
  const bytes = addressBytes(address);
  const message = Buffer.alloc(12);
  message.writeUInt8(familyOf(address), 0);
  message.writeUInt8(bytes.length * 8, 1);
  message.writeUInt8(kind.table, 4);
  message.writeUInt8(RTPROT_KERNEL, 5);
  message.writeUInt8(kind.scope, 6);
  message.writeUInt8(kind.type, 7);
  return Buffer.concat([message, attribute(RTA_DST, bytes)]);
}
