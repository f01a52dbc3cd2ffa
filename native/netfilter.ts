/** The chains of a network namespace that packets meet, and how many rules they have, by nf_tables' netlink (linux/netfilter/nf_tables.h). */
import { askPart } from "./kernel-part.ts";
import { attributes, NETLINK_NETFILTER, type Netlink, openNetlink } from "./netlink.ts";
import { describeRule, type Expression, listExpressions, numberOf, textOf } from "./nft-rule.ts";

/** A chain that the kernel sends packets through. */
export interface BaseChain {
  /** As nft(8) or iptables(8) name it: "ip filter". */
  readonly table: string;
  readonly name: string;
  /** What no rule takes is dropped. */
  readonly drops: boolean;
  /** Those that can concern other packets than such from or to 127.0.0.0/8, as ruleText has them; null where it has no words for one. */
  readonly rules: readonly (string | null)[];
}

const FAMILIES: Readonly<Record<number, string>> = { 1: "inet", 2: "ip", 5: "netdev", 10: "ip6" };

const message = (kind: number): number => (10 << 8) | kind;
const NFT_MSG_GETCHAIN = message(4);
const NFT_MSG_GETRULE = message(7);

/** Those of IPv4, IPv6 and of single links, in the namespace that this thread is in. Throws an Error with `code`. */
export const listBaseChains = (): BaseChain[] => askPart("nf_tables", readChains);

function readChains(): BaseChain[] {
  using netlink = openNetlink(NETLINK_NETFILTER);
  const chains = dumpBaseChains(netlink);
  if (chains.every(({ uses }) => uses === 0)) return chains;
  const rules = dumpRules(netlink);
  const rulesOf = ({ table, name }: BaseChain): (string | null)[] =>
    rules.flatMap((rule) => (rule.table === table && rule.chain === name && !rule.isLocal ? rule.text : []));
  return chains.map((chain) => ({ ...chain, rules: rulesOf(chain) }));
}

function dumpBaseChains(netlink: Netlink): (BaseChain & { readonly uses: number })[] {
  const NFTA_CHAIN_TABLE = 1;
  const NFTA_CHAIN_NAME = 3;
  const NFTA_CHAIN_HOOK = 4;
  const NFTA_CHAIN_POLICY = 5;
  const NFTA_CHAIN_USE = 6;
  const NF_DROP = 0;
  return dumpAll(netlink, NFT_MSG_GETCHAIN, "list chains").flatMap(({ family, found }) =>
    found.has(NFTA_CHAIN_HOOK)
      ? {
          table: `${family} ${textOf(found.get(NFTA_CHAIN_TABLE))}`,
          name: textOf(found.get(NFTA_CHAIN_NAME)),
          drops: numberOf(found.get(NFTA_CHAIN_POLICY)) === NF_DROP,
          rules: [],
          uses: numberOf(found.get(NFTA_CHAIN_USE)) ?? 1,
        }
      : [],
  );
}

interface ChainRule {
  readonly table: string;
  readonly chain: string;
  readonly isLocal: boolean;
  readonly text: string | null;
}

function dumpRules(netlink: Netlink): ChainRule[] {
  const NFTA_RULE_TABLE = 1;
  const NFTA_RULE_CHAIN = 2;
  const NFTA_RULE_EXPRESSIONS = 4;
  return dumpAll(netlink, NFT_MSG_GETRULE, "list rules").map(({ family, found }) => {
    const expressions = listExpressions(found.get(NFTA_RULE_EXPRESSIONS) ?? Buffer.alloc(0));
    return {
      table: `${family} ${textOf(found.get(NFTA_RULE_TABLE))}`,
      chain: textOf(found.get(NFTA_RULE_CHAIN)),
      isLocal: family === "ip" && comparesWithLoopback(expressions),
      text: family === "ip" ? describeRule(expressions) : null,
    };
  });
}

/** Whether a rule of IPv4 loads a packet's source or destination, and goes on only if that begins with 127. */
const comparesWithLoopback = (expressions: readonly Expression[]): boolean =>
  expressions.some(({ name, data }, place) => {
    const next = expressions[place + 1];
    if (name !== "payload" || next?.name !== "cmp") return false;
    return loadsAddress(data) && comparesFirstByte(next.data, numberOf(data.get(1)), 127);
  });

function loadsAddress(payload: Map<number, Buffer>): boolean {
  const [NFTA_PAYLOAD_BASE, NFTA_PAYLOAD_OFFSET] = [2, 3];
  const NETWORK_HEADER = 1;
  const [SOURCE, DESTINATION] = [12, 16];
  const offset = numberOf(payload.get(NFTA_PAYLOAD_OFFSET));
  return (
    numberOf(payload.get(NFTA_PAYLOAD_BASE)) === NETWORK_HEADER &&
    (offset === SOURCE || offset === DESTINATION)
  );
}

function comparesFirstByte(cmp: Map<number, Buffer>, register: number | undefined, byte: number): boolean {
  const [NFTA_CMP_SREG, NFTA_CMP_OP, NFTA_CMP_DATA, NFTA_DATA_VALUE] = [1, 2, 3, 1];
  const EQUAL = 0;
  const data = cmp.get(NFTA_CMP_DATA);
  const value = data && attributes(data, 0).get(NFTA_DATA_VALUE);
  return (
    numberOf(cmp.get(NFTA_CMP_SREG)) === register &&
    numberOf(cmp.get(NFTA_CMP_OP)) === EQUAL &&
    value?.[0] === byte
  );
}

function dumpAll(
  netlink: Netlink,
  type: number,
  what: string,
): { family: string; found: Map<number, Buffer> }[] {
  // struct nfgenmsg: the family, 0 for all.
  return netlink.dump({ type, body: Buffer.alloc(4), what }).flatMap((body) => {
    const family = FAMILIES[body.readUInt8(0)];
    return family === undefined ? [] : [{ family, found: attributes(body, 4) }];
  });
}
