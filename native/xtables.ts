/** The chains of iptables' and ip6tables' older half, which is not nf_tables (linux/netfilter_ipv4/ip_tables.h). */
import { readText } from "./files.ts";
import { errorCode, owned } from "./libc.ts";
import type { BaseChain } from "./netfilter.ts";
import { openSocket, readOption } from "./sockets.ts";
import { describeEntry } from "./xt-rule.ts";

interface Kind {
  readonly label: string;
  readonly names: string;
  readonly domain: number;
  readonly level: number;
  /** Of struct ipt_entry or ip6t_entry: where its targets' offset is, and the next entry's. */
  readonly targetAt: number;
  readonly nextAt: number;
  /** Whether it is for packets from or to 127.0.0.0/8 alone. */
  isLocal(entry: Buffer): boolean;
  /** As BaseChain has its rules. */
  describe(entry: Buffer): string | null;
}

const KINDS: readonly Kind[] = [
  {
    label: "ip",
    names: "ip",
    domain: 2,
    level: 0,
    targetAt: 88,
    nextAt: 90,
    isLocal: isLoopback,
    describe: describeEntry,
  },
  {
    label: "ip6",
    names: "ip6",
    domain: 10,
    level: 41,
    targetAt: 140,
    nextAt: 142,
    isLocal: () => false,
    describe: () => null,
  },
];

const HOOKS = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
const NAME_SIZE = 32;

/** Those that were ever looked at in the namespace that this thread is in; others are empty. Throws an Error with `code`. */
export const listLegacyChains = (): BaseChain[] =>
  KINDS.flatMap((kind) => tablesOf(kind).flatMap((table) => chainsOf(kind, table)));

function tablesOf({ names }: Kind): string[] {
  try {
    return readText(`/proc/thread-self/net/${names}_tables_names`).split("\n").filter(Boolean);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

function chainsOf(kind: Kind, table: string): BaseChain[] {
  const { hooks, begin, policy, count, entries } = readTable(kind, table);
  // Each chain's policy is an entry, and one more is the end.
  const isEmpty = count === hooks.length + 1;
  return hooks.map((hook) => {
    const last = policy[hook] ?? 0;
    const rules: (string | null)[] = [];
    for (let at = begin[hook] ?? 0; !isEmpty && at < last; ) {
      const entry = entries.subarray(at);
      const size = Math.max(entry.readUInt16LE(kind.nextAt), 1);
      if (!kind.isLocal(entry)) rules.push(kind.describe(entry.subarray(0, size)));
      at += size;
    }
    return {
      table: `${kind.label} ${table}`,
      name: HOOKS[hook] ?? String(hook),
      drops: !accepts(entries.subarray(last), kind),
      rules,
    };
  });
}

/** Of struct xt_standard_target. */
function accepts(entry: Buffer, { targetAt }: Kind): boolean {
  const ACCEPT = -2;
  return entry.readInt32LE(entry.readUInt16LE(targetAt) + NAME_SIZE) === ACCEPT;
}

function readTable({ domain, level }: Kind, table: string) {
  const GET_INFO = 64;
  const GET_ENTRIES = 65;
  const SOCK_DGRAM = 2;
  using socket = owned(openSocket({ domain, type: SOCK_DGRAM, timeout: 5 }));
  // struct ipt_getinfo: the name, a bit for each hook, where each begins, where its policy is, how many entries, their bytes.
  const info = Buffer.alloc(NAME_SIZE + 4 + 20 + 20 + 8);
  info.write(table, "latin1");
  readOption(socket.fd, { level, option: GET_INFO, value: info });
  const places = (at: number): number[] => HOOKS.map((_, hook) => info.readUInt32LE(at + 4 * hook));
  const size = info.readUInt32LE(80);
  // struct ipt_get_entries: the name, their bytes, and they.
  const HEADER = 40;
  const answer = Buffer.alloc(HEADER + size);
  answer.write(table, "latin1");
  answer.writeUInt32LE(size, NAME_SIZE);
  readOption(socket.fd, { level, option: GET_ENTRIES, value: answer });
  const valid = info.readUInt32LE(NAME_SIZE);
  return {
    hooks: HOOKS.flatMap((_, hook) => (valid & (1 << hook) ? hook : [])),
    begin: places(36),
    policy: places(56),
    count: info.readUInt32LE(76),
    entries: answer.subarray(HEADER),
  };
}

/** struct ipt_ip: source, destination, their masks, and at last what of it is meant the other way round. */
function isLoopback(entry: Buffer): boolean {
  const INVERTED = { source: 0x08, destination: 0x10 };
  const inverted = entry.readUInt8(83);
  const is = (at: number, flag: number): boolean =>
    entry.readUInt8(at) === 127 && entry.readUInt8(at + 8) === 255 && (inverted & flag) === 0;
  return is(0, INVERTED.source) || is(4, INVERTED.destination);
}
