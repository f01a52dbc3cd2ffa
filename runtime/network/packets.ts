/** Protocols, and where u32 filters look in a packet for one that can have its ports behind the header. */
import type { Match } from "../../native/traffic-control.ts";

export const [TCP, UDP] = [6, 17];

/** What is zero in IPv4's flags and offset where a packet is whole, and where it is the first of its fragments at least. */
const WHOLE = 0x3fff;
export const FIRST = 0x1fff;

/** IPv4 without options, and no fragment but such as `zero` leaves: its payload begins at byte 20. */
export const ipv4Carrying = (protocol: number, zero = WHOLE): Match[] => [
  { at: 0, mask: 0x0f000000, value: 0x05000000 },
  { at: 4, mask: zero, value: 0 },
  { at: 8, mask: 0x00ff0000, value: protocol << 16 },
];

/** IPv6 without extension headers: its payload begins at byte 40. */
export const ipv6Carrying = (protocol: number): Match => ({
  at: 4,
  mask: 0x0000ff00,
  value: protocol << 8,
});
