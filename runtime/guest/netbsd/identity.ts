/**
 * System calls by which a running rump kernel becomes another. Structures are NetBSD's: sys/sys/{sockio,ioccom,sysctl}.h;
 * sys/net/{if,if_dl,route}.h; sys/netinet/{in,in_var}.h; sys/netinet6/in6_var.h.
 */
import type { Directive } from "../../../native/directives.ts";
import { addressBytes } from "../../../native/ip-address.ts";
import { macBytes } from "../../../native/mac-address.ts";
import type { BootNic } from "../guest.ts";
import { ipv4GatewayOf, ipv4Of } from "../ipv4.ts";
import { CALL, call, ERROR, FIRST, fields, memory, SECOND, THIRD, tolerate } from "./calls.ts";

const FAMILY = { inet: 2, link: 18, inet6: 24, route: 34 };
const SOCKET = { datagrams: 2, raw: 3 };

/** What a guest is to be from now on; the rest stays as it is. */
export interface Identity {
  readonly from: BootNic;
  readonly to: BootNic;
  readonly hostname?: string;
  /** For its random numbers. */
  readonly entropy: Buffer;
}

/**
 * By a connection to the address that it has, then by one to its new address, since an address that goes takes its connections
 * along. Both have IPv4; its first card is told. Of IPv6 it has the link-local address alone, which it makes of its MAC address.
 */
export function identityCalls(identity: Identity): Directive[] {
  const { from, to } = identity;
  const [old, own] = [ipv4(from), ipv4(to)];
  const moves = old.address !== own.address;
  return [
    ["connect", old.address],
    ...(from.mac === to.mac ? [] : changeMac(from.mac, to.mac)),
    ...(moves ? [...addAddress(own, ipv4GatewayOf(to)), ["connect", own.address] as const] : []),
    ...tellOthers(identity),
    ...(moves ? [["left", ""] as const, ...removeAddress(old.address)] : []),
  ];
}

export const ipv4 = (nic: BootNic): BootNic["addresses"][number] => {
  const own = ipv4Of(nic);
  if (!own) throw new Error("a card without IPv4");
  return own;
};

const socket = (family: number, kind = SOCKET.datagrams): Directive => call(CALL.socket, family, kind, 0);

/** `before`: how many calls ago the socket was made. */
const ioctl = (before: number, request: number, argument: Buffer): Directive[] => [
  memory(FIRST, argument),
  call(CALL.ioctl, `@-${before}`, request, FIRST),
];

/** _IOW('i', …) of sys/ioccom.h */
const requestOf = (number: number, size: number): number =>
  0x8000_0000 + size * 0x1_0000 + "i".charCodeAt(0) * 0x100 + number;

/** The first card's interface: IFNAMSIZ bytes. */
const INTERFACE = fields([16, Buffer.from("vioif0")]);

const sockaddrIn = (address: string): Buffer =>
  fields([1, 16], [1, FAMILY.inet], [2, 0], [12, addressBytes(address)]);

const sockaddrIn6 = (address: Buffer): Buffer =>
  fields([1, 28], [1, FAMILY.inet6], [6, 0], [16, address], [4, 0]);

const sockaddrDl = (mac: Buffer): Buffer =>
  fields(
    [1, 8 + mac.length],
    [1, FAMILY.link],
    [2, 0],
    [1, ETHERNET],
    [1, 0],
    [1, mac.length],
    [1, 0],
    [mac.length, mac],
  );
const ETHERNET = 6;

/** The new address first, so that the interface has one at any time. */
function changeMac(old: string, mac: string): Directive[] {
  const ACTIVE = 0x4000;
  const SIZE = 280;
  const laddr = (address: string, flags: number): Buffer =>
    fields([16, INTERFACE], [4, flags], [4, 0], [SIZE - 24, sockaddrDl(macBytes(address))]);
  const isNone = tolerate(ERROR.badDescriptor, ERROR.noSuchAddress);
  return [
    socket(FAMILY.link),
    ...ioctl(1, requestOf(28, SIZE), laddr(mac, ACTIVE)),
    ...ioctl(2, requestOf(30, SIZE), laddr(old, 0)),
    // A kernel without IPv6 has no such socket.
    tolerate(ERROR.noSuchFamily, ERROR.noSuchProtocol),
    socket(FAMILY.inet6),
    isNone,
    ...ioctl(1, requestOf(25, 288), fields([16, INTERFACE], [272, sockaddrIn6(linkLocal(old))])),
    isNone,
    ...ioctl(2, requestOf(107, 128), aliasIpv6(linkLocal(mac))),
  ];
}

/** RFC 4291, appendix A */
function linkLocal(mac: string): Buffer {
  const bytes = macBytes(mac);
  bytes.writeUInt8(bytes.readUInt8(0) ^ 2, 0);
  const [first, last] = [bytes.subarray(0, 3), bytes.subarray(3)];
  return Buffer.concat([Buffer.from("fe80000000000000", "hex"), first, Buffer.from([0xff, 0xfe]), last]);
}

/** A /64 for ever. */
const aliasIpv6 = (address: Buffer): Buffer =>
  fields(
    [16, INTERFACE],
    [28, sockaddrIn6(address)],
    [28, 0],
    [28, sockaddrIn6(Buffer.alloc(8, 0xff))],
    [20, 0],
    [8, Buffer.alloc(8, 0xff)],
  );

/** The default route goes on by the new address: what leaves by it has the route's. */
function addAddress(own: BootNic["addresses"][number], gateway: string | undefined): Directive[] {
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(own.prefix === 0 ? 0 : (0xffff_ffff << (32 - own.prefix)) >>> 0);
  const broadcast = addressBytes(own.address).map((byte, at) => byte | (~mask.readUInt8(at) & 0xff));
  const text = (bytes: Uint8Array): string => [...bytes].join(".");
  const alias = [INTERFACE, sockaddrIn(own.address), sockaddrIn(text(broadcast)), sockaddrIn(text(mask))];
  const ANY = sockaddrIn("0.0.0.0");
  const [UP, GATEWAY, STATIC] = [1, 2, 0x800];
  const CHANGE = 3;
  const DESTINATION_GATEWAY_MASK_AND_OWN = 0x27;
  return [
    socket(FAMILY.inet),
    ...ioctl(1, requestOf(26, 64), Buffer.concat(alias)),
    ...(gateway === undefined
      ? []
      : routeMessage(CHANGE, UP | GATEWAY | STATIC, DESTINATION_GATEWAY_MASK_AND_OWN, [
          ANY,
          sockaddrIn(gateway),
          ANY,
          sockaddrIn(own.address),
        ])),
  ];
}

const removeAddress = (address: string): Directive[] => [
  socket(FAMILY.inet),
  ...ioctl(1, requestOf(25, 144), fields([16, INTERFACE], [128, sockaddrIn(address)])),
];

/** route(4): by a socket of its own. */
function routeMessage(type: number, flags: number, which: number, addresses: readonly Buffer[]): Directive[] {
  const VERSION = 4;
  const HEADER = 120;
  const body = Buffer.concat(addresses);
  const head = fields(
    [2, HEADER + body.length],
    [1, VERSION],
    [1, type],
    [4, 0],
    [4, flags],
    [HEADER - 12, which],
  );
  return [socket(FAMILY.route, SOCKET.raw), ...write(1, Buffer.concat([head, body]))];
}

const write = (before: number, bytes: Buffer): Directive[] => [
  memory(FIRST, bytes),
  call(CALL.write, `@-${before}`, FIRST, bytes.length),
];

/** Has the tool print what a guest knows of its neighbours by ARP, for `readNeighbours`. */
export function neighbourCalls(address: string): Directive[] {
  const [NETWORK, ANY, BY_FLAGS] = [4, 0, 2];
  const LINK_LAYER = 0x400;
  const ROOM = 8192;
  const size = Buffer.alloc(8);
  size.writeUInt32LE(ROOM);
  const names = [NETWORK, FAMILY.route, ANY, FAMILY.inet, BY_FLAGS, LINK_LAYER];
  return [
    ["connect", address],
    memory(FIRST, fields(...names.map((name) => [4, name] as const))),
    memory(SECOND, size),
    ["room", `${THIRD} ${ROOM}`],
    // It has more than there is room for: what fits is there.
    tolerate(ERROR.noMemory),
    call(CALL.sysctl, FIRST, names.length, THIRD, SECOND, 0, 0),
    ["print", String(THIRD)],
  ];
}

/** Their IPv4 addresses, of a line that the tool has printed: a struct rt_msghdr with a struct sockaddr_in each. */
export function readNeighbours(line: string): string[] {
  const [HEADER, SHORTEST] = [120, 136];
  const found: string[] = [];
  let rest = Buffer.from(line, "hex");
  while (rest.length >= SHORTEST) {
    const length = rest.readUInt16LE(0);
    if (length < SHORTEST || length > rest.length) break;
    if (rest.readUInt8(HEADER + 1) === FAMILY.inet)
      found.push([...rest.subarray(HEADER + 4, HEADER + 8)].join("."));
    rest = rest.subarray(length);
  }
  return found;
}

function tellOthers({ hostname, entropy }: Identity): Directive[] {
  const [KERNEL, HOSTNAME] = [1, 10];
  const REALTIME = 0;
  const WRITE_ONLY = 1;
  const name = hostname === undefined ? undefined : Buffer.from(hostname);
  return [
    ["now", String(FIRST)],
    call(CALL.clockSettime, REALTIME, FIRST),
    ...(name
      ? [
          memory(FIRST, fields([4, KERNEL], [4, HOSTNAME])),
          memory(SECOND, name),
          call(CALL.sysctl, FIRST, 2, 0, 0, SECOND, name.length),
        ]
      : []),
    memory(FIRST, Buffer.from("/dev/urandom\0")),
    call(CALL.open, FIRST, WRITE_ONLY, 0),
    ...write(1, entropy),
  ];
}
