/** Rules of nf_tables as iptables-nft writes them: expressions of its own, and iptables' extensions (linux/netfilter/nf_tables.h). */
import { formatAddress } from "./ip-address.ts";
import { attributeList, attributes } from "./netlink.ts";
import { connectionStates, protocolName, type Rule, redirectTarget, ruleText } from "./rule-text.ts";

/** An expression by the name of its kind, with the attributes that this has. */
export interface Expression {
  readonly name: string;
  readonly data: Map<number, Buffer>;
}

/** What is in NFTA_RULE_EXPRESSIONS. */
export function listExpressions(list: Buffer): Expression[] {
  const [NFTA_EXPR_NAME, NFTA_EXPR_DATA] = [1, 2];
  return attributeList(list, 0).map(([, value]) => {
    const found = attributes(value, 0);
    const data = found.get(NFTA_EXPR_DATA);
    return { name: textOf(found.get(NFTA_EXPR_NAME)), data: data ? attributes(data, 0) : new Map() };
  });
}

/** The rule's text (ruleText); null where it has expressions that no such text says. */
export function describeRule(expressions: readonly Expression[]): string | null {
  const rule: Rule = {};
  const loaded: Loaded = new Map();
  const isPlain = expressions.every(({ name, data }) => READERS[name]?.({ data, rule, loaded }) ?? false);
  return isPlain && rule.target !== undefined ? ruleText(rule) : null;
}

type Field = Exclude<keyof Rule, "states" | "target">;
/** What the registers have. */
type Loaded = Map<number | undefined, Field>;

/** By base, offset and length in a packet of IPv4. */
const FIELDS: Readonly<Record<string, Field>> = {
  "1 9 1": "protocol",
  "1 12 4": "source",
  "1 16 4": "destination",
  "2 0 2": "sourcePort",
  "2 2 2": "destinationPort",
};

/** Whether the expression is one that a rule's text says. */
type Reader = (options: { data: Map<number, Buffer>; rule: Rule; loaded: Loaded }) => boolean;

const READERS: Readonly<Record<string, Reader>> = {
  counter: () => true,
  payload({ data, loaded }) {
    const [register, base, offset, length] = [1, 2, 3, 4].map((each) => numberOf(data.get(each)));
    const field = FIELDS[`${base} ${offset} ${length}`];
    if (field) loaded.set(register, field);
    return field !== undefined;
  },
  meta({ data, loaded }) {
    const [NFTA_META_DREG, NFTA_META_KEY, NFT_META_L4PROTO] = [1, 2, 16];
    loaded.set(numberOf(data.get(NFTA_META_DREG)), "protocol");
    return numberOf(data.get(NFTA_META_KEY)) === NFT_META_L4PROTO;
  },
  cmp({ data, rule, loaded }) {
    const [register, operation] = [1, 2].map((each) => numberOf(data.get(each)));
    const [NFTA_CMP_DATA, NFTA_DATA_VALUE, EQUAL] = [3, 1, 0];
    const value = nested(data, NFTA_CMP_DATA).get(NFTA_DATA_VALUE);
    const field = loaded.get(register);
    return field !== undefined && value !== undefined && operation === EQUAL && setField(rule, field, value);
  },
  match: ({ data, rule }) =>
    isExtension(data, "conntrack", 3) && set(rule, "states", connectionStates(data.get(INFO) ?? NOTHING)),
  target: ({ data, rule }) =>
    isExtension(data, "REDIRECT", 0) && set(rule, "target", redirectTarget(data.get(INFO) ?? NOTHING)),
  immediate({ data, rule }) {
    const [NFTA_IMMEDIATE_DATA, NFTA_DATA_VERDICT, NFTA_VERDICT_CODE] = [2, 2, 1];
    const verdict = nested(nested(data, NFTA_IMMEDIATE_DATA), NFTA_DATA_VERDICT).get(NFTA_VERDICT_CODE);
    return set(rule, "target", VERDICTS[numberOf(verdict) ?? -1]);
  },
};

const VERDICTS: Readonly<Record<number, string>> = { 0: "DROP", 1: "ACCEPT" };

/** NFTA_MATCH_INFO and NFTA_TARGET_INFO. */
const INFO = 3;
const NOTHING = Buffer.alloc(0);

const isExtension = (data: Map<number, Buffer>, name: string, revision: number): boolean =>
  textOf(data.get(1)) === name && numberOf(data.get(2)) === revision;

const nested = (data: Map<number, Buffer>, type: number): Map<number, Buffer> =>
  attributes(data.get(type) ?? NOTHING, 0);

function setField(rule: Rule, field: Field, value: Buffer): boolean {
  if (field === "source" || field === "destination") return set(rule, field, formatAddress(value));
  if (field === "protocol") return set(rule, field, protocolName(value.readUInt8(0)));
  return set(rule, field, value.readUInt16BE(0));
}

/** Once: a rule that asks twice for the same is none of the plain ones. */
function set<Key extends keyof Rule>(rule: Rule, key: Key, value: Rule[Key] | undefined): boolean {
  if (value === undefined || rule[key] !== undefined) return false;
  rule[key] = value;
  return true;
}

export const textOf = (value: Buffer | undefined): string =>
  (value?.toString("latin1") ?? "").replace(/\0.*$/s, "");

/** Netfilter's numbers are big-endian. */
export const numberOf = (value: Buffer | undefined): number | undefined =>
  value && value.length >= 4 ? value.readUInt32BE(0) : undefined;
