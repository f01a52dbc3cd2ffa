/** Puts a guest's network cards in the place of the interfaces in its container's network namespace. */
import { exists } from "../../native/files.ts";
import { type Descriptor, errorCode } from "../../native/libc.ts";
import { type Netlink, openNetlink } from "../../native/netlink.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { deleteLink, listLinks, raiseLink } from "../../native/rtnetlink.ts";
import {
  addIngress,
  deleteIngress,
  ingressKinds,
  redirect,
  redirectTargets,
} from "../../native/traffic-control.ts";
import { openTap } from "../../native/tun.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { type Nic, readNics } from "./nics.ts";
import { isTapName, tapName } from "./taps.ts";

/** The cards of a guest; the descriptor of `taps[i]` belongs to `nics[i]`. Disposing of it undoes what was not kept. */
export interface Wiring extends Disposable {
  readonly nics: readonly Nic[];
  readonly taps: readonly number[];
  /** The machine runs: its taps live by its own descriptors now, and the redirects stay. */
  keep(): void;
}

/**
 * Wires every interface in the network namespace to a tap of its own:
 * what comes in by one leaves by the other. Throws UnikrunError where another machine has an interface already.
 */
export function wireNetwork(options: { netns: string; containerId: string; limit: number }): Wiring {
  const { netns, containerId } = options;
  if (!exists(netns)) {
    throw new UnikrunError(
      `Container ${containerId}: its network namespace ${netns} is gone: has the container or sandbox that it belonged to ended?`,
    );
  }
  // A netlink socket stays in the namespace that it was made in.
  return inNetworkNamespace(netns, () => wireHere(options));
}

function wireHere({ containerId, limit }: { containerId: string; limit: number }): Wiring {
  using opened = new DisposableStack();
  const netlink = opened.use(openNetlink());
  const undo = opened.use(new DisposableStack());
  const taps = opened.use(new DisposableStack());
  const nics = readNics(netlink, isTapName);
  if (nics.length > limit) {
    throw new UnikrunError(
      `Container ${containerId}: its network namespace has ${nics.length} interfaces, but the guest can drive ${limit}: connect it to fewer networks.`,
    );
  }
  const descriptors = nics.map((nic, card) => {
    const name = tapName(containerId, card);
    const tap = taps.use(makeTap(name, containerId));
    wireCard({ netlink, undo, nic, tap: name, containerId });
    return tap.fd;
  });
  const all = opened.move();
  return {
    nics,
    taps: descriptors,
    keep: () => void undo.move(),
    [Symbol.dispose]: () => all.dispose(),
  };
}

function makeTap(name: string, containerId: string): Descriptor {
  const deadline = Date.now() + 2000;
  for (;;) {
    try {
      return openTap(name);
    } catch (cause) {
      // The machine before us in this namespace may still be dying.
      if (errorCode(cause) === "EBUSY" && Date.now() < deadline) {
        Bun.sleepSync(10);
        continue;
      }
      const advice =
        errorCode(cause) === "ENOENT"
          ? "load the kernel's tun module (modprobe tun)"
          : "see whether /dev/net/tun can be used here";
      throw new UnikrunError(
        `Container ${containerId}: the tap ${name} can't be made (${reasonOf(cause)}): ${advice}.`,
        { cause },
      );
    }
  }
}

function wireCard(options: {
  netlink: Netlink;
  undo: DisposableStack;
  nic: Nic;
  tap: string;
  containerId: string;
}): void {
  const { netlink, undo, nic, containerId } = options;
  const tap = listLinks(netlink).find((link) => link.name === options.tap);
  if (!tap)
    throw new UnikrunError(`Container ${containerId}: the tap ${options.tap} vanished while it was wired.`);
  raiseLink(netlink, { index: tap.index, mtu: nic.mtu });
  claimIngress(netlink, nic, containerId);
  undo.defer(() => deleteIngress(netlink, nic.link.index));
  addIngress(netlink, tap.index);
  redirect(netlink, { from: nic.link.index, to: tap.index });
  redirect(netlink, { from: tap.index, to: nic.link.index });
}

/** Takes the interface's ingress, also from a machine of before that is gone; never from a living one. */
function claimIngress(netlink: Netlink, nic: Nic, containerId: string): void {
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

function isLeftover(netlink: Netlink, index: number): boolean {
  if (!ingressKinds(netlink, index).includes("ingress")) return false;
  const targets = redirectTargets(netlink, index);
  const living = new Set(listLinks(netlink).map((link) => link.index));
  return targets.every((target) => !living.has(target));
}

/** Removes what a container's machine left in a network namespace that outlives it. Idempotent. */
export function unwireNetwork({ netns, containerId }: { netns: string; containerId: string }): void {
  // A namespace that is gone took everything along.
  if (!exists(netns)) return;
  inNetworkNamespace(netns, () => {
    using netlink = openNetlink();
    const links = listLinks(netlink);
    for (const { name, index } of links) {
      if (isTapName(name) && tapName(containerId, cardOf(name)) === name) deleteLink(netlink, index);
    }
    for (const { ethernet, loopback, name, index } of links) {
      const isWired = ethernet && !loopback && !isTapName(name) && redirectTargets(netlink, index).length > 0;
      if (isWired && isLeftover(netlink, index)) deleteIngress(netlink, index);
    }
  });
}

const cardOf = (tap: string): number => Number(tap.slice(tap.indexOf("-") + 1));
