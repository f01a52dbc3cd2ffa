/** Whose an interface's ingress is: one machine's, which may have ended, or somebody else's. */
import { errorCode } from "../../native/libc.ts";
import type { Netlink } from "../../native/netlink.ts";
import { listLinks } from "../../native/rtnetlink.ts";
import {
  addIngress,
  deleteIngress,
  hasOtherFilters,
  ingressKinds,
  programNames,
  redirectTargets,
} from "../../native/traffic-control.ts";
import { UnikrunError } from "../error.ts";
import type { Nic } from "./nics.ts";
import { isOurs } from "./taps.ts";

/** Takes the interface's ingress, also from a machine of before that is gone; never from a living one. */
export function claimIngress(netlink: Netlink, nic: Nic, containerId: string): void {
  const { index, name } = nic.link;
  try {
    addIngress(netlink, index);
    return;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
  if (!isLeftover(netlink, index)) {
    throw new UnikrunError(
      `Container ${containerId}: the interface ${name} of its network namespace is already in use by another machine or traffic filter (tc qdisc show dev ${name} ingress): one interface can serve one unikernel only, so give this one a network of its own.`,
    );
  }
  deleteIngress(netlink, index);
  addIngress(netlink, index);
}

/** Whether an ingress is that of a machine whose taps are gone. */
export function isLeftover(netlink: Netlink, index: number): boolean {
  if (!ingressKinds(netlink, index).includes("ingress")) return false;
  if (hasOtherFilters(netlink, index) || programNames(netlink, index).some((name) => !isOurs(name)))
    return false;
  const targets = redirectTargets(netlink, index);
  const living = new Set(listLinks(netlink).map((link) => link.index));
  return targets.every((target) => !living.has(target));
}
