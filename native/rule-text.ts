/**
 * Rules of netfilter as iptables-save(8) writes them, as far as they ask for addresses, TCP's, UDP's or SCTP's ports, and the state
 * of a connection.
 */

/** What a packet must be like, and what becomes of such a one. */
export interface Rule {
  source?: string | undefined;
  destination?: string | undefined;
  protocol?: string | undefined;
  sourcePort?: number | undefined;
  destinationPort?: number | undefined;
  states?: string | undefined;
  /** With its options. */
  target?: string | undefined;
}

export function ruleText(rule: Rule): string {
  const parts = [
    ["-s", rule.source],
    ["-d", rule.destination],
    ["-p", rule.protocol],
    ["--sport", rule.sourcePort],
    ["--dport", rule.destinationPort],
    ["--ctstate", rule.states],
    ["-j", rule.target],
  ];
  return parts.flatMap(([flag, value]) => (value === undefined ? [] : `${flag} ${value}`)).join(" ");
}

const PROTOCOLS: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

export const protocolName = (number: number): string | undefined => PROTOCOLS[number];

/** The states that the match "conntrack", revision 3, asks for and nothing else (struct xt_conntrack_mtinfo3). */
export function connectionStates(info: Buffer): string | undefined {
  if (info.length < 154) return undefined;
  const [match, inverted, states] = [146, 148, 150].map((at) => info.readUInt16LE(at));
  const STATE = 1;
  const [ESTABLISHED, NEW] = [2, 8];
  if (match !== STATE || inverted !== 0) return undefined;
  return states === ESTABLISHED
    ? "ESTABLISHED"
    : states === (NEW | ESTABLISHED)
      ? "NEW,ESTABLISHED"
      : undefined;
}

/** The target "REDIRECT" to one port (struct nf_nat_ipv4_multi_range_compat). */
export function redirectTarget(info: Buffer): string | undefined {
  if (info.length < 20) return undefined;
  const [PORTS, ONE] = [2, 1];
  const [count, flags] = [info.readUInt32LE(0), info.readUInt32LE(4)];
  const [first, last] = [info.readUInt16BE(16), info.readUInt16BE(18)];
  return count === ONE && flags === PORTS && first === last ? `REDIRECT --to-ports ${first}` : undefined;
}
