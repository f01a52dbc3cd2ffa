/** Qdiscs at a link's ingress, and egress, and u32 filters that hand frames of one link to another (tc(8), tc-u32(8), tc-mirred(8)). */
import { errorCode } from "./libc.ts";
import { attribute, attributes, type Netlink, NLM_F_CREATE, NLM_F_EXCL } from "./netlink.ts";

const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_GETQDISC = 38;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const RTM_GETTFILTER = 46;

const TC_H_INGRESS = 0xfffffff1;
const INGRESS_HANDLE = 0xffff0000;
/** Filters' parents: both kinds of qdisc take the first, and clsact the second. */
const PARENT = { in: 0xfffffff2, out: 0xfffffff3 };

const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_MIRRED_PARMS = 2;
/** What becomes of a frame behind an action. */
const [TC_ACT_OK, TC_ACT_PIPE, TC_ACT_STOLEN] = [0, 3, 4];

function header(options: { index: number; handle?: number; parent?: number; info?: number }): Buffer {
  const message = Buffer.alloc(20);
  message.writeInt32LE(options.index, 4);
  message.writeUInt32LE(options.handle ?? 0, 8);
  message.writeUInt32LE(options.parent ?? 0, 12);
  message.writeUInt32LE(options.info ?? 0, 16);
  return message;
}

/** Fails with EEXIST where the link has an ingress qdisc. "clsact" has filters for what leaves by the link, too. */
export function addIngress(netlink: Netlink, index: number, kind: "ingress" | "clsact" = "ingress"): void {
  const body = Buffer.concat([
    header({ index, handle: INGRESS_HANDLE, parent: TC_H_INGRESS }),
    attribute(TCA_KIND, kind),
  ]);
  netlink.request({
    type: RTM_NEWQDISC,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body,
    what: "add an ingress qdisc",
  });
}

export function deleteIngress(netlink: Netlink, index: number): void {
  const body = header({ index, handle: INGRESS_HANDLE, parent: TC_H_INGRESS });
  netlink.request({ type: RTM_DELQDISC, body, what: "delete an ingress qdisc" });
}

/** The kinds of the link's qdiscs at its ingress: "ingress", or "clsact" (other people's). */
export function ingressKinds(netlink: Netlink, index: number): string[] {
  return netlink
    .dump({ type: RTM_GETQDISC, body: header({ index: 0 }), what: "list qdiscs" })
    .filter((body) => body.readInt32LE(4) === index && body.readUInt32LE(12) === TC_H_INGRESS)
    .map((body) => textOf(attributes(body, 20).get(TCA_KIND)));
}

/** Where a packet's 32 bits at `at`, a multiple of 4 counted from its network header, are to be `value` under `mask`. */
export interface Match {
  readonly at: number;
  readonly mask: number;
  readonly value: number;
}

/** What comes in by a link and matches leaves by another: instead of reaching the link's own stack, or ("mirror") besides. */
export interface Filter {
  readonly from: number;
  /** The lower the sooner; each protocol needs one of its own. */
  readonly priority: number;
  readonly protocol: "all" | "ip" | "arp" | "ipv6";
  /** All of them; absent: every frame. */
  readonly matches?: readonly Match[];
  /** Absent: it reaches the link's own stack only. */
  readonly to?: { readonly index: number; readonly mirror?: boolean };
  /** A link by which a copy leaves first. */
  readonly copyTo?: number;
}

const PROTOCOLS = { all: 0x0003, ip: 0x0800, arp: 0x0806, ipv6: 0x86dd };

/** As `tc filter add dev FROM ingress … u32 match … action mirred egress redirect|mirror dev TO`. */
export function addFilter(netlink: Netlink, filter: Filter): void {
  const options = [attribute(TCA_U32_SEL, selector(filter.matches ?? [{ at: 0, mask: 0, value: 0 }]))];
  const copy =
    filter.copyTo === undefined ? [] : [mirred({ index: filter.copyTo, mirror: true }, TC_ACT_PIPE)];
  const actions = [...copy, ...(filter.to ? [mirred(filter.to)] : [])];
  if (actions.length > 0)
    options.push(
      attribute(
        TCA_U32_ACT,
        actions.map((action, place) => attribute(place + 1, action)),
      ),
    );
  addFilterOf(netlink, filter, "u32", options);
}

/** As `tc filter add dev FROM ingress … bpf direct-action`, with a program's descriptor: it says what becomes of each frame. */
export function addProgram(netlink: Netlink, filter: Place & { program: number; name: string }): void {
  const DIRECT_ACTION = 1;
  const options = [
    attribute(TCA_BPF_FD, filter.program),
    attribute(TCA_BPF_NAME, filter.name),
    attribute(TCA_BPF_FLAGS, DIRECT_ACTION),
  ];
  addFilterOf(netlink, filter, "bpf", options);
}

function addFilterOf(netlink: Netlink, filter: Place, kind: "u32" | "bpf", options: readonly Buffer[]): void {
  const body = Buffer.concat([
    header({ index: filter.from, parent: PARENT[filter.way ?? "in"], info: placeOf(filter) }),
    attribute(TCA_KIND, kind),
    attribute(TCA_OPTIONS, options),
  ]);
  const what = `add a filter (${kind})`;
  netlink.request({ type: RTM_NEWTFILTER, flags: NLM_F_CREATE | NLM_F_EXCL, body, what });
}

/** Removes the filters of a priority; there need be none. */
export function deleteFilters(netlink: Netlink, filter: Place): void {
  const body = header({ index: filter.from, parent: PARENT[filter.way ?? "in"], info: placeOf(filter) });
  try {
    netlink.request({ type: RTM_DELTFILTER, body, what: "delete filters" });
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

/** Whether the link has a filter of this priority. */
export function hasFilter(netlink: Netlink, index: number, priority: number): boolean {
  const body = header({ index, parent: PARENT.in });
  const filters = netlink.dump({ type: RTM_GETTFILTER, body, what: "list filters" });
  return filters.some((filter) => filter.readUInt16LE(18) === priority);
}

type Place = Pick<Filter, "from" | "priority" | "protocol"> & {
  /** Of the frames that come in by the link, or of those that leave by it. */
  readonly way?: "in" | "out";
};

/** tcm_info: the priority, and the protocol in network order. */
function placeOf({ priority, protocol }: Pick<Filter, "priority" | "protocol">): number {
  const number = PROTOCOLS[protocol];
  return priority * 0x10000 + (((number & 0xff) << 8) | (number >> 8));
}

function selector(matches: readonly Match[]): Buffer {
  const TC_U32_TERMINAL = 1;
  const head = Buffer.alloc(16);
  head.writeUInt8(TC_U32_TERMINAL, 0);
  head.writeUInt8(matches.length, 2);
  const keys = matches.map(({ at, mask, value }) => {
    const key = Buffer.alloc(16);
    key.writeUInt32BE(mask, 0);
    key.writeUInt32BE(value, 4);
    key.writeInt32LE(at, 8);
    return key;
  });
  return Buffer.concat([head, ...keys]);
}

function mirred(
  { index, mirror = false }: { index: number; mirror?: boolean },
  then = mirror ? TC_ACT_OK : TC_ACT_STOLEN,
): Buffer[] {
  const [TCA_EGRESS_REDIR, TCA_EGRESS_MIRROR] = [1, 2];
  const parameters = Buffer.alloc(28);
  parameters.writeInt32LE(then, 8);
  parameters.writeInt32LE(mirror ? TCA_EGRESS_MIRROR : TCA_EGRESS_REDIR, 20);
  parameters.writeUInt32LE(index, 24);
  return [
    attribute(TCA_ACT_KIND, "mirred"),
    attribute(TCA_ACT_OPTIONS, [attribute(TCA_MIRRED_PARMS, parameters)]),
  ];
}

/** Where the link's ingress filters send its frames: indexes of links, 0 for one that is gone. */
export function redirectTargets(netlink: Netlink, index: number): number[] {
  return filterOptions(netlink, index, "u32").flatMap((options) => {
    const actions = options.get(TCA_U32_ACT);
    const first = actions && attributes(actions, 0).get(1);
    const parameters = first && attributes(first, 0).get(TCA_ACT_OPTIONS);
    const mirred = parameters && attributes(parameters, 0).get(TCA_MIRRED_PARMS);
    return mirred && mirred.length >= 28 ? [mirred.readUInt32LE(24)] : [];
  });
}

/** The names of the programs at the link's ingress. */
export const programNames = (netlink: Netlink, index: number): string[] =>
  filterOptions(netlink, index, "bpf").map((options) => textOf(options.get(TCA_BPF_NAME)));

/** Whether the link's ingress has filters of a kind that none of these functions makes. */
export const hasOtherFilters = (netlink: Netlink, index: number): boolean =>
  listFilters(netlink, index).some((filter) => !["u32", "bpf"].includes(textOf(filter.get(TCA_KIND))));

function filterOptions(netlink: Netlink, index: number, kind: "u32" | "bpf"): Map<number, Buffer>[] {
  return listFilters(netlink, index)
    .filter((filter) => textOf(filter.get(TCA_KIND)) === kind)
    .flatMap((filter) => {
      const options = filter.get(TCA_OPTIONS);
      return options ? [attributes(options, 0)] : [];
    });
}

function listFilters(netlink: Netlink, index: number): Map<number, Buffer>[] {
  const body = header({ index, parent: PARENT.in });
  return netlink
    .dump({ type: RTM_GETTFILTER, body, what: "list filters" })
    .map((filter) => attributes(filter, 20));
}

const textOf = (value: Buffer | undefined): string => (value?.toString() ?? "").replace(/\0/g, "");
