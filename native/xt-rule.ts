/** Rules of the older iptables (struct ipt_entry, linux/netfilter_ipv4/ip_tables.h): what a packet is to have, matches, a target. */
import { formatAddress } from "./ip-address.ts";
import { connectionStates, protocolName, type Rule, redirectTarget, ruleText } from "./rule-text.ts";

/** The rule's text (ruleText); null where it has more than such a text says. `entry` has its bytes alone. */
export function describeEntry(entry: Buffer): string | null {
  const MATCHES = 112;
  const targetAt = entry.readUInt16LE(88);
  const parts = [readIp(entry)];
  for (let at = MATCHES; at < targetAt; ) {
    const { size, kind, info } = extensionAt(entry, at);
    parts.push(MATCH[kind]?.(info) ?? null);
    at += Math.max(size, 1);
  }
  const { kind, info } = extensionAt(entry, targetAt);
  const target = TARGET[kind]?.(info);
  if (target === undefined || parts.includes(null)) return null;
  return ruleText(Object.assign({ target }, ...parts));
}

/** struct ipt_ip; null where it asks for interfaces, fragments, a part of an address or the contrary of something. */
function readIp(entry: Buffer): Rule | null {
  const INTERFACES = { from: 48, to: 80 };
  const [source, destination] = [addressAt(entry, 0), addressAt(entry, 4)];
  const number = entry.readUInt16LE(80);
  const protocol = protocolName(number);
  const isPlain =
    source !== null &&
    destination !== null &&
    (number === 0 || protocol !== undefined) &&
    entry.readUInt16LE(82) === 0 &&
    entry.subarray(INTERFACES.from, INTERFACES.to).every((byte) => byte === 0);
  return isPlain ? { source, destination, protocol } : null;
}

/** Undefined for any; null for several. */
function addressAt(entry: Buffer, at: number): string | undefined | null {
  const mask = entry.readUInt32BE(at + 8);
  if (mask === 0) return undefined;
  return mask === 0xffffffff ? formatAddress(entry.subarray(at, at + 4)) : null;
}

/** struct xt_entry_match and struct xt_entry_target begin alike. */
function extensionAt(entry: Buffer, at: number) {
  const [NAME, REVISION, INFO] = [at + 2, at + 31, at + 32];
  const size = entry.readUInt16LE(at);
  const name = entry.toString("latin1", NAME, REVISION).replace(/\0.*$/s, "");
  return { size, kind: `${name} ${entry.readUInt8(REVISION)}`, info: entry.subarray(INFO, at + size) };
}

/** By name and revision. */
const MATCH: Readonly<Record<string, (info: Buffer) => Rule | null>> = {
  // struct xt_tcp: behind the ports an option, flags, and what is inverted; struct xt_udp: only the last.
  "tcp 0": (info) => readPorts(info, info.readUInt32LE(8)),
  "udp 0": (info) => readPorts(info, info.readUInt8(8)),
  "conntrack 3"(info) {
    const states = connectionStates(info);
    return states === undefined ? null : { states };
  },
};

/** Where `more` is asked for besides, null. */
function readPorts(info: Buffer, more: number): Rule | null {
  const [sourcePort, destinationPort] = [portAt(info, 0), portAt(info, 4)];
  return more === 0 && sourcePort !== null && destinationPort !== null
    ? { sourcePort, destinationPort }
    : null;
}

/** Undefined for any; null for several. */
function portAt(info: Buffer, at: number): number | undefined | null {
  const [first, last] = [info.readUInt16LE(at), info.readUInt16LE(at + 2)];
  if (first === 0 && last === 0xffff) return undefined;
  return first === last ? first : null;
}

const TARGET: Readonly<Record<string, (info: Buffer) => string | undefined>> = {
  "REDIRECT 0": redirectTarget,
  // A verdict, of struct xt_standard_target.
  " 0": (info) => VERDICTS[info.readInt32LE(0)],
};

const VERDICTS: Readonly<Record<number, string>> = { [-1]: "DROP", [-2]: "ACCEPT" };
