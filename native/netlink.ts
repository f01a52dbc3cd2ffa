/** Netlink transport (RFC 3549, netlink(7)): messages with attributes, acknowledged requests, dumps. */
import { errnoName } from "./errno.ts";
import { owned, systemError } from "./libc.ts";
import { openSocket, receive, sendAll } from "./sockets.ts";

const HEADER = 16;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE = 0x400;
export const NLM_F_EXCL = 0x200;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

/** A socket bound to the network namespace that this thread is in when it is opened. */
export interface Netlink extends Disposable {
  /** Sends a request and waits until the kernel has done it. Throws an Error with `code`. */
  request(message: { type: number; flags?: number; body: Uint8Array; what: string }): void;
  /** The bodies of all answers to a dump request. */
  dump(message: { type: number; body: Uint8Array; what: string }): Buffer[];
}

const NETLINK_ROUTE = 0;
export const NETLINK_XFRM = 6;
export const NETLINK_NETFILTER = 12;

/** `protocol` is a NETLINK_*. Throws an Error with `code`, EPROTONOSUPPORT for one that the kernel does not have. */
export function openNetlink(protocol = NETLINK_ROUTE): Netlink {
  const AF_NETLINK = 16;
  const SOCK_RAW = 3;
  const socket = owned(openSocket({ domain: AF_NETLINK, type: SOCK_RAW, protocol, timeout: 5 }));
  let sequence = 0;

  function exchange(type: number, flags: number, body: Uint8Array, what: string): Buffer[] {
    const header = Buffer.alloc(HEADER);
    header.writeUInt32LE(HEADER + body.byteLength, 0);
    header.writeUInt16LE(type, 4);
    header.writeUInt16LE(flags | NLM_F_REQUEST, 6);
    header.writeUInt32LE(++sequence, 8);
    sendAll(socket.fd, Buffer.concat([header, body]));
    const bodies: Buffer[] = [];
    for (;;) {
      for (const message of messages(receive(socket.fd, 1 << 16))) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return bodies;
        if (message.type !== NLMSG_ERROR) {
          bodies.push(message.body);
          continue;
        }
        const errno = -message.body.readInt32LE(0);
        if (errno === 0) return bodies;
        throw systemError(errno, `${what}: ${errnoName(errno)}`);
      }
    }
  }

  return {
    request: ({ type, flags = 0, body, what }) => void exchange(type, flags | NLM_F_ACK, body, what),
    dump: ({ type, body, what }) => exchange(type, NLM_F_DUMP, body, what),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

function* messages(data: Buffer): Generator<{ type: number; sequence: number; body: Buffer }> {
  for (let at = 0; at + HEADER <= data.length; ) {
    const length = data.readUInt32LE(at);
    if (length < HEADER || at + length > data.length) throw new Error("netlink: a message is cut short");
    yield {
      type: data.readUInt16LE(at + 4),
      sequence: data.readUInt32LE(at + 8),
      body: data.subarray(at + HEADER, at + length),
    };
    at += align(length);
  }
}

const align = (length: number): number => (length + 3) & ~3;

/** One attribute: a number is 32 bits wide, a string ends with NUL, a list nests. */
export function attribute(type: number, value: number | string | Uint8Array | readonly Buffer[]): Buffer {
  const data = attributeData(value);
  const buffer = Buffer.alloc(align(4 + data.byteLength));
  buffer.writeUInt16LE(4 + data.byteLength, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(data, 4);
  return buffer;
}

function attributeData(value: number | string | Uint8Array | readonly Buffer[]): Uint8Array {
  if (typeof value === "string") return Buffer.from(`${value}\0`);
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "number") return Buffer.concat(value);
  const number = Buffer.alloc(4);
  number.writeUInt32LE(value);
  return number;
}

/** The attributes that follow a fixed header of `offset` bytes, by type. */
export const attributes = (data: Buffer, offset: number): Map<number, Buffer> =>
  new Map(attributeList(data, offset));

/** The same, in their order, where several are of one type. */
export function attributeList(data: Buffer, offset: number): [type: number, value: Buffer][] {
  const NLA_TYPE_MASK = 0x3fff;
  const found: [number, Buffer][] = [];
  for (let at = align(offset); at + 4 <= data.length; ) {
    const length = data.readUInt16LE(at);
    if (length < 4 || at + length > data.length) break;
    found.push([data.readUInt16LE(at + 2) & NLA_TYPE_MASK, data.subarray(at + 4, at + length)]);
    at += align(length);
  }
  return found;
}
