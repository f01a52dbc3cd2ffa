/** Frames from this thread's network namespace (packet(7)). */
import { dlopen } from "bun:ffi";
import { check, LIBC, once, owned } from "./libc.ts";
import { openSocket } from "./sockets.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
    }).symbols,
);

const ETH_P_ARP = 0x0806;

/** A gratuitous ARP request (RFC 5227, 3): whoever knows the IPv4 address by another MAC address learns this one. */
export function announceAddress(link: { index: number; mac: string; address: string }): void {
  const [AF_PACKET, SOCK_RAW, REQUEST] = [17, 3, 1];
  const mac = Buffer.from(link.mac.replaceAll(":", ""), "hex");
  const address = Buffer.from(link.address.split(".").map(Number));
  const arp = Buffer.from([0, 1, 8, 0, 6, 4, 0, REQUEST]);
  const frame = Buffer.concat([
    Buffer.alloc(6, 0xff),
    mac,
    Buffer.from([ETH_P_ARP >> 8, ETH_P_ARP & 0xff]),
    ...[arp, mac, address, Buffer.alloc(6), address],
  ]);
  const target = Buffer.alloc(20);
  target.writeUInt16LE(AF_PACKET, 0);
  target.writeUInt16BE(ETH_P_ARP, 2);
  target.writeInt32LE(link.index, 4);
  using socket = owned(openSocket({ domain: AF_PACKET, type: SOCK_RAW, timeout: 1 }));
  check(libc().sendto(socket.fd, frame, frame.length, 0, target, target.length), "sendto");
}
