/** Frames from this thread's network namespace (packet(7)). */
import { dlopen } from "bun:ffi";
import { addressBytes } from "./ip-address.ts";
import { insist, LIBC, once, owned } from "./libc.ts";
import { macBytes } from "./mac-address.ts";
import { openSocket } from "./sockets.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
    }).symbols,
);

const ETH_P_ARP = 0x0806;
const ETH_P_IPV6 = 0x86dd;

export interface Announced {
  /** The link's. */
  readonly index: number;
  readonly mac: string;
  /** As rtnetlink.ts has it. */
  readonly address: string;
}

/** Whoever knows the address by another MAC address learns this one. */
export function announceAddress(announced: Announced): void {
  if (announced.address.includes(":")) announceByNeighbourDiscovery(announced);
  else announceByArp(announced);
}

/** A gratuitous ARP request (RFC 5227, 3). */
function announceByArp({ index, mac, address }: Announced): void {
  const REQUEST = 1;
  const [hardware, protocol] = [macBytes(mac), addressBytes(address)];
  const arp = Buffer.from([0, 1, 8, 0, 6, 4, 0, REQUEST]);
  const body = Buffer.concat([arp, hardware, protocol, Buffer.alloc(6), protocol]);
  send(index, ETH_P_ARP, Buffer.alloc(6, 0xff), hardware, body);
}

/** An unsolicited neighbour advertisement to all nodes (RFC 4861, 7.2.6). */
function announceByNeighbourDiscovery({ index, mac, address }: Announced): void {
  const [ICMPV6, ADVERTISEMENT, OVERRIDE, TARGET_OPTION, HOPS] = [58, 136, 0x20, 2, 255];
  const [hardware, source] = [macBytes(mac), addressBytes(address)];
  const allNodes = addressBytes("ff02::1");
  const message = Buffer.concat([
    Buffer.from([ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0]),
    source,
    Buffer.from([TARGET_OPTION, 1]),
    hardware,
  ]);
  const pseudo = Buffer.concat([source, allNodes, Buffer.from([0, 0, 0, message.length, 0, 0, 0, ICMPV6])]);
  message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2);
  const header = Buffer.from([0x60, 0, 0, 0, 0, message.length, ICMPV6, HOPS]);
  const everybody = Buffer.from([0x33, 0x33, 0, 0, 0, 1]);
  send(index, ETH_P_IPV6, everybody, hardware, Buffer.concat([header, source, allNodes, message]));
}

const send = (index: number, protocol: number, to: Buffer, from: Buffer, body: Buffer): void =>
  sendFrame(index, Buffer.concat([to, from, Buffer.from([protocol >> 8, protocol & 0xff]), body]));

/** As it is: it leaves by the link of that index. */
export function sendFrame(index: number, frame: Buffer): void {
  const [AF_PACKET, SOCK_RAW] = [17, 3];
  const target = Buffer.alloc(20);
  target.writeUInt16LE(AF_PACKET, 0);
  frame.copy(target, 2, 12, 14);
  target.writeInt32LE(index, 4);
  using socket = owned(openSocket({ domain: AF_PACKET, type: SOCK_RAW, timeout: 1 }));
  insist(() => libc().sendto(socket.fd, frame, frame.length, 0, target, target.length), "sendto");
}

/** Of the internet (RFC 1071), of an even number of bytes. */
function checksum(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
