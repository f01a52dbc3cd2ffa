/**
 * A guest has the container's own address, so no program in the container's network namespace can reach it by that: it would
 * reach itself. A visitor has an address of ours instead, which the guest's tap leads to a tap of the visitor's.
 */
import { type Descriptor, errorCode } from "../../native/libc.ts";
import { type Netlink, openNetlink } from "../../native/netlink.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { listLinks, raiseLink } from "../../native/rtnetlink.ts";
import { deleteFilters, hasFilter, redirectTargets } from "../../native/traffic-control.ts";
import { openTap } from "../../native/tun.ts";
import { UnikrunError } from "../error.ts";
import { type Nic, readNics } from "./nics.ts";
import { addressFromEnd, leadAside, letLookupsThrough } from "./resolver.ts";
import { FILTER, isTapName, isTapOf, VISITORS, visitorTapName } from "./taps.ts";

/** IPv4 addresses, and the visitor's end of the way: frames that it writes reach the guest. */
export interface Visit extends Disposable {
  readonly tap: number;
  readonly ownAddress: string;
  readonly guestAddress: string;
  readonly guestMac: string;
  readonly mtu: number;
}

/** A card of the running guest, with the index of its tap. */
interface Card {
  readonly nic: Nic;
  readonly tap: number;
}

interface Place {
  readonly netns: string;
  readonly containerId: string;
}

/** Makes a way to the guest, which is closed with its tap. Throws UnikrunError where the guest has no IPv4 address. */
export const visitGuest = (place: Place): Visit =>
  inNetworkNamespace(place.netns, () => {
    using netlink = openNetlink();
    return makeVisit(netlink, place.containerId);
  });

function makeVisit(netlink: Netlink, containerId: string): Visit {
  const card = reachableCard(containerId, cardsOf(netlink, containerId));
  const { nic, own } = card;
  using opened = new DisposableStack();
  const { tap, place } = freeTap(containerId);
  opened.use(tap);
  const index = listLinks(netlink).find(({ name }) => name === visitorTapName(containerId, place))?.index;
  if (index === undefined)
    throw new UnikrunError(`Container ${containerId} ended while its guest was asked.`);
  raiseLink(netlink, { index, mtu: nic.mtu });
  const isRouted = nic.gateways.some(({ family }) => family === 4);
  // The subnet's last addresses are the resolver's.
  const ownAddress = isRouted ? `169.254.53.${FIRST_OFF_LINK + place}` : addressFromEnd(own, 2 + place);
  const priorities = { arp: FILTER.visits + 2 * place, ip: FILTER.visits + 2 * place + 1 };
  // A visitor of before may have been killed.
  deleteFilters(netlink, { from: card.tap, priority: priorities.arp, protocol: "arp" });
  deleteFilters(netlink, { from: card.tap, priority: priorities.ip, protocol: "ip" });
  leadAside(netlink, { from: card.tap, to: index, address: ownAddress, priorities });
  const kept = opened.move();
  return {
    tap: tap.fd,
    ownAddress,
    guestAddress: own.address,
    guestMac: nic.mac,
    mtu: nic.mtu,
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/** 169.254.53.53 is the resolver's. */
const FIRST_OFF_LINK = 64;

/** The container's interfaces that lead to its machine, each with the tap that it leads to. */
function cardsOf(netlink: Netlink, containerId: string): Card[] {
  const taps = listLinks(netlink).filter(({ name }) => isTapOf(containerId, name));
  return readNics(netlink, isTapName).flatMap((nic) => {
    const targets = redirectTargets(netlink, nic.link.index);
    const tap = taps.find(({ index }) => targets.includes(index));
    return tap ? [{ nic, tap: tap.index }] : [];
  });
}

function reachableCard(containerId: string, cards: readonly Card[]) {
  const reachable = cards.flatMap((card) => {
    const own = card.nic.addresses.find(({ family }) => family === 4);
    return own ? [{ ...card, own }] : [];
  });
  const routed = reachable.find(({ nic }) => nic.gateways.some(({ family }) => family === 4));
  const card = routed ?? reachable.find(({ own }) => own.prefix <= 26);
  if (card) return card;
  const why =
    cards.length === 0
      ? "it has no network card: connect it to a network and start it again"
      : reachable.length === 0
        ? "it has no IPv4 address, and unikrun's own commands use IPv4 only"
        : "its subnet has no gateway and too few addresses to lend one to unikrun's own commands";
  throw new UnikrunError(`Container ${containerId} can't be reached by its network: ${why}.`);
}

/** The first that nobody has. */
function freeTap(containerId: string): { tap: Descriptor; place: number } {
  for (let place = 0; place < VISITORS; place++) {
    try {
      return { tap: openTap(visitorTapName(containerId, place), { headers: false }), place };
    } catch (error) {
      if (errorCode(error) !== "EBUSY") throw error;
    }
  }
  throw new UnikrunError(
    `Container ${containerId} is asked by ${VISITORS} programs already: wait until one of them has ended.`,
  );
}

/** Lets programs in the namespace hear the answers of name servers outside, as a relay for its guest does. */
export const openLookups = ({ netns, containerId }: Place): void =>
  inNetworkNamespace(netns, () => {
    using netlink = openNetlink();
    for (const { nic, tap } of cardsOf(netlink, containerId)) {
      if (!hasFilter(netlink, nic.link.index, FILTER.arp))
        letLookupsThrough(netlink, { nic: nic.link.index, tap });
    }
  });
