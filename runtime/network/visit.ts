/**
 * A guest has the container's own address, so no program in the container's network namespace can reach it by that: it would
 * reach itself. A visitor has an address of ours instead, which the guest's tap leads to a tap of the visitor's.
 */
import { addressFromEnd } from "../../native/ip-address.ts";
import { type Descriptor, errorCode } from "../../native/libc.ts";
import { type Netlink, openNetlink } from "../../native/netlink.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { listLinks, raiseLink } from "../../native/rtnetlink.ts";
import { hasFilter, redirectTargets } from "../../native/traffic-control.ts";
import { openTap } from "../../native/tun.ts";
import { UnikrunError } from "../error.ts";
import { type AsideAddress, asideIpv4, asideIpv6, forgetAside, leadAside } from "./aside.ts";
import { isLed } from "./lead.ts";
import { type Nic, readNics } from "./nics.ts";
import { letLookupsThrough } from "./resolver.ts";
import { FILTER, isTapName, isTapOf, VISITORS, visitorTapName } from "./taps.ts";

/** The visitor's end of the way: frames that it writes reach the guest. Both addresses are of one family. */
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

/**
 * Makes a way to the guest, which is closed with its tap: by the family that is wanted, else by IPv4 where the guest has it.
 * Throws UnikrunError where there is none.
 */
export const visitGuest = ({ netns, containerId, family, other }: Wanted): Visit =>
  inNetworkNamespace(netns, () => {
    using netlink = openNetlink();
    const target = findTarget(containerId, cardsOf(netlink, containerId), { family, other });
    return makeVisit(netlink, containerId, target);
  });

interface Wanted extends Place {
  readonly family?: 4 | 6;
  /** An address of IPv4 that the guest has besides its container's, which no visitor can have. */
  readonly other?: string;
}

/** The same by IPv4, to a guest that has not been told yet what its container's interface has: it still has this. */
export function visitUntold({ guestAddress, guestMac, ...place }: Untold): Visit {
  const visit = visitGuest({ ...place, family: 4, other: guestAddress });
  return { ...visit, guestAddress, guestMac };
}

type Untold = Place & Pick<Visit, "guestAddress" | "guestMac">;

function makeVisit(netlink: Netlink, containerId: string, { card, own, asideAt }: Target): Visit {
  const { nic } = card;
  using opened = new DisposableStack();
  const { tap, place } = freeTap(containerId);
  opened.use(tap);
  const index = listLinks(netlink).find(({ name }) => name === visitorTapName(containerId, place))?.index;
  if (index === undefined)
    throw new UnikrunError(`Container ${containerId} ended while its guest was asked.`);
  raiseLink(netlink, { index, mtu: nic.mtu });
  const aside = asideAt(place);
  const first = FILTER.visits + 4 * place + (own.family === 4 ? 0 : 2);
  const priorities = { packets: first, questions: first + 1 };
  // A visitor of before may have been killed.
  forgetAside(netlink, { from: card.tap, aside, priorities });
  leadAside(netlink, { from: card.tap, to: index, aside, priorities });
  const kept = opened.move();
  return {
    tap: tap.fd,
    ownAddress: aside.address,
    guestAddress: own.address,
    guestMac: nic.mac,
    mtu: nic.mtu,
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/** The cards of a running guest, as the interfaces of its container. */
export const guestNics = ({ netns, containerId }: Place): Nic[] =>
  inNetworkNamespace(netns, () => {
    using netlink = openNetlink();
    return cardsOf(netlink, containerId).map(({ nic }) => nic);
  });

/** The container's interfaces that lead to its machine, each with the tap that it leads to. */
function cardsOf(netlink: Netlink, containerId: string): Card[] {
  const taps = listLinks(netlink).filter(({ name }) => isTapOf(containerId, name));
  return readNics(netlink, isTapName).flatMap((nic) => {
    const targets = redirectTargets(netlink, nic.link.index);
    const tap = taps.find(({ index }) => targets.includes(index));
    return tap ? [{ nic, tap: tap.index }] : [];
  });
}

/** What of the guest is visited, and which address a visitor has there. */
interface Target {
  readonly card: Card;
  readonly own: Nic["addresses"][number];
  readonly asideAt: (place: number) => AsideAddress;
}

function findTarget(
  containerId: string,
  cards: readonly Card[],
  { family, other }: { family: 4 | 6 | undefined; other: string | undefined },
): Target {
  const target = (family !== 6 && targetIpv4(cards, other)) || (family !== 4 && targetIpv6(cards));
  if (target) return target;
  const has = (wanted: 4 | 6): boolean =>
    cards.some(({ nic }) => nic.addresses.some((address) => address.family === wanted));
  const why =
    cards.length === 0
      ? "it has no network card: connect it to a network and start it again"
      : family === 6 || !has(4)
        ? `it has no ${family === 6 ? "IPv6 " : ""}address`
        : "its subnet has no gateway and too few addresses to lend one to unikrun's own commands";
  throw new UnikrunError(`Container ${containerId} can't be reached by its network: ${why}.`);
}

/** 169.254.53.53 is the resolver's. */
const FIRST_OFF_LINK = 64;

/** A guest with a gateway answers to any address; without one only to those of its subnet, whose last are the resolver's. */
function targetIpv4(cards: readonly Card[], other: string | undefined): Target | undefined {
  const all = ownAddresses(cards, 4);
  const routed = all.find(({ card }) => card.nic.gateways.some(({ family }) => family === 4));
  if (routed) return { ...routed, asideAt: (place) => asideIpv4(`169.254.53.${FIRST_OFF_LINK + place}`) };
  const direct = all.find(({ own }) => own.prefix <= 26);
  if (!direct) return undefined;
  const lent = (place: number): string => addressFromEnd(direct.own, 2 + place);
  return {
    ...direct,
    asideAt: (place) => asideIpv4(lent(place) === other ? lent(VISITORS) : lent(place)),
  };
}

/** Every card has the link-local network. */
function targetIpv6(cards: readonly Card[]): Target | undefined {
  const [first] = ownAddresses(cards, 6);
  const FIRST = 0x7800;
  return first && { ...first, asideAt: (place) => asideIpv6(`fe80::756b:${(FIRST + place).toString(16)}`) };
}

const ownAddresses = (cards: readonly Card[], family: 4 | 6): Omit<Target, "asideAt">[] =>
  cards.flatMap((card) => {
    const own = card.nic.addresses.find((address) => address.family === family);
    return own ? [{ card, own }] : [];
  });

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
    if (isLed(netlink)) {
      throw new UnikrunError(
        `Names can't be looked up from beside the guest of container ${containerId}, which has its namespace's addresses for itself, as with a rootless engine: have the guest look them up.`,
      );
    }
    for (const { nic, tap } of cardsOf(netlink, containerId)) {
      if (!hasFilter(netlink, nic.link.index, FILTER.arp))
        letLookupsThrough(netlink, { nic: nic.link.index, tap });
    }
  });
