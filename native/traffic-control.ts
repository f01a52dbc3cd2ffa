/** Ingress qdiscs, and the u32 filter that hands every frame of one link to another (tc(8), tc-u32(8), tc-mirred(8)). */
import { attribute, attributes, type Netlink, NLM_F_CREATE, NLM_F_EXCL } from "./netlink.ts";

const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_GETQDISC = 38;
const RTM_NEWTFILTER = 44;
const RTM_GETTFILTER = 46;

const TC_H_INGRESS = 0xfffffff1;
const INGRESS_HANDLE = 0xffff0000;

const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_MIRRED_PARMS = 2;

function header(options: { index: number; handle?: number; parent?: number; info?: number }): Buffer {
  const message = Buffer.alloc(20);
  message.writeInt32LE(options.index, 4);
  message.writeUInt32LE(options.handle ?? 0, 8);
  message.writeUInt32LE(options.parent ?? 0, 12);
  message.writeUInt32LE(options.info ?? 0, 16);
  return message;
}

/** Fails with EEXIST where the link has an ingress qdisc. */
export function addIngress(netlink: Netlink, index: number): void {
  const body = Buffer.concat([
    header({ index, handle: INGRESS_HANDLE, parent: TC_H_INGRESS }),
    attribute(TCA_KIND, "ingress"),
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
    .map((body) => (attributes(body, 20).get(TCA_KIND)?.toString() ?? "").replace(/\0/g, ""));
}

/** Every frame that comes in by `from` leaves by `to` (`u32 match u32 0 0 action mirred egress redirect`). */
export function redirect(netlink: Netlink, link: { from: number; to: number }): void {
  const ETH_P_ALL = 0x0003;
  const PRIORITY = 1;
  const networkOrder = ((ETH_P_ALL & 0xff) << 8) | (ETH_P_ALL >> 8);
  const selector = Buffer.alloc(16 + 16);
  const TC_U32_TERMINAL = 1;
  selector.writeUInt8(TC_U32_TERMINAL, 0);
  selector.writeUInt8(1, 2); // one key, which is all zero: mask 0, value 0, offset 0

  const mirred = Buffer.alloc(28);
  const TC_ACT_STOLEN = 4;
  const TCA_EGRESS_REDIR = 1;
  mirred.writeInt32LE(TC_ACT_STOLEN, 8);
  mirred.writeInt32LE(TCA_EGRESS_REDIR, 20);
  mirred.writeUInt32LE(link.to, 24);

  const action = [
    attribute(TCA_ACT_KIND, "mirred"),
    attribute(TCA_ACT_OPTIONS, [attribute(TCA_MIRRED_PARMS, mirred)]),
  ];
  const body = Buffer.concat([
    header({ index: link.from, parent: INGRESS_HANDLE, info: PRIORITY * 0x10000 + networkOrder }),
    attribute(TCA_KIND, "u32"),
    attribute(TCA_OPTIONS, [
      attribute(TCA_U32_SEL, selector),
      attribute(TCA_U32_ACT, [attribute(1, action)]),
    ]),
  ]);
  netlink.request({ type: RTM_NEWTFILTER, flags: NLM_F_CREATE | NLM_F_EXCL, body, what: "add a redirect" });
}

/** Where the link's ingress filters send its frames: indexes of links, 0 for one that is gone. */
export function redirectTargets(netlink: Netlink, index: number): number[] {
  const body = header({ index, parent: INGRESS_HANDLE });
  return netlink.dump({ type: RTM_GETTFILTER, body, what: "list filters" }).flatMap((filter) => {
    const options = attributes(filter, 20).get(TCA_OPTIONS);
    const actions = options && attributes(options, 0).get(TCA_U32_ACT);
    const first = actions && attributes(actions, 0).get(1);
    const parameters = first && attributes(first, 0).get(TCA_ACT_OPTIONS);
    const mirred = parameters && attributes(parameters, 0).get(TCA_MIRRED_PARMS);
    return mirred && mirred.length >= 28 ? [mirred.readUInt32LE(24)] : [];
  });
}
