/** Puts a guest's network cards in the place of the interfaces in its container's network namespace. */
import { mayLoadPrograms } from "../../native/bpf.ts";
import { exists } from "../../native/files.ts";
import { inSubnet } from "../../native/ip-address.ts";
import { askNeighbour } from "../../native/neighbours.ts";
import { type Netlink, openNetlink } from "../../native/netlink.ts";
import { listLinks, raiseLink } from "../../native/rtnetlink.ts";
import { addFilter, addIngress, deleteIngress } from "../../native/traffic-control.ts";
import { inUserNamespace } from "../../native/user-namespace.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { alone, type Place } from "./alone.ts";
import { claimIngress } from "./claim.ts";
import { addDetours } from "./detour.ts";
import { relayRequests } from "./dhcp.ts";
import { leadToGuest, prepareLed, standInPlainly } from "./lead.ts";
import { makeTap } from "./make-tap.ts";
import { type Nic, readNics } from "./nics.ts";
import { carryOver } from "./published.ts";
import { type Resolver, relayLookups } from "./resolver.ts";
import { acceptRules, refuseRules } from "./rules.ts";
import { fitSegments } from "./segments.ts";
import { allowSharing, shareNetwork } from "./share.ts";
import { guardCards, openNetwork } from "./shut.ts";
import { findRouter, standIn } from "./stand-in.ts";
import { dhcpTapName, FILTER, isTapName, ownerOf, resolverTapName, type Tap, tapName } from "./taps.ts";

/** The cards of a guest; the descriptor of `taps[i]` belongs to `nics[i]`. Disposing of it undoes what was not kept. */
export interface Wiring extends Disposable {
  readonly nics: readonly Nic[];
  readonly taps: readonly number[];
  /** Routes of the namespace that its guest has only if it is told them, as in "10.9.0.0/16 via 10.1.0.3 dev eth1". */
  readonly lacking: readonly string[];
  /** Where look-ups had to be relayed, and could be. */
  readonly resolver?: Resolver;
  /** The descriptor of the tap that a guest's requests for addresses go to, where it makes any. */
  readonly dhcp?: number;
  /**
   * Lets the namespace's other programs have their part of the network; `guest` has the guest's MAC addresses, card by card.
   * Returns why they can't, or null.
   */
  share(guest: readonly { readonly mac: string }[]): string | null;
  /** Why `guard` was not done, a clause: then the guest's kernel is not to take system calls. */
  readonly unguarded?: string;
  /** Ends "closed": others hear of the guest, and it of its gateway and of the neighbours that it knows by these addresses of IPv4. */
  open(neighbours?: readonly string[]): void;
  /** The machine runs: its taps live by its own descriptors now, and the redirects stay. */
  keep(): void;
}

export interface WireOptions extends Place {
  /** How many cards the guest can drive. */
  readonly limit: number;
  /** Whether frames come to the guest with virtio's headers (GuestFamily). */
  readonly headers?: boolean;
  /** Its first card is to be the one with its gateway of IPv4 (GuestFamily). */
  readonly leads?: "first card" | undefined;
  /** It asks for its addresses (GuestFamily). */
  readonly dhcp?: boolean;
  /** A name server on a loopback address of the namespace, if the guest is to reach one. */
  readonly server?: string;
  /**
   * For a guest whose kernel takes system calls (shut.ts): "shut": only unikrun's own commands reach that port; "closed": only they
   * reach the guest at all, and it only them, until `open`.
   */
  readonly guard?: "shut" | "closed";
  /** "ignore": that rules of the namespace don't bind it was accepted (rules.ts). */
  readonly rules?: "refuse" | "ignore";
}

/**
 * Wires every interface in the network namespace to a tap of its own:
 * what comes in by one leaves by the other. Throws UnikrunError where another machine has an interface already.
 */
export function wireNetwork(options: WireOptions): Wiring {
  const { netns, containerId } = options;
  if (!exists(netns)) {
    throw new UnikrunError(
      `Container ${containerId}: its network namespace ${netns} is gone: has the container or sandbox that it belonged to ended?`,
    );
  }
  // A netlink socket stays in the namespace that it was made in.
  return alone(options, () => wireHere(options));
}

/** Bytes: what a guest asks for its address by is smaller, and so is the answer. */
const REQUEST_MTU = 1500;

function wireHere({
  netns,
  containerId,
  limit,
  headers = true,
  leads,
  dhcp = false,
  server,
  guard,
  rules = "refuse",
}: WireOptions): Wiring {
  using opened = new DisposableStack();
  const netlink = opened.use(openNetlink());
  const undo = opened.use(new DisposableStack());
  const taps = opened.use(new DisposableStack());
  const found = readNics(netlink, isTapName);
  const ordered = leads === "first card" ? gatewayFirst(found) : found;
  const isPlain = inUserNamespace() && !mayLoadPrograms();
  if (found.length > limit) {
    throw new UnikrunError(
      `Container ${containerId}: its network namespace has ${found.length} interfaces, but the guest can drive ${limit}: connect it to fewer networks.`,
    );
  }
  const ports = rules === "refuse" ? refuseRules(netlink, found, containerId) : acceptRules(found);
  const addTap = (name: string, mtu: number, hasHeaders: boolean): Tap => {
    const { fd } = taps.use(makeTap(name, containerId, hasHeaders));
    const link = listLinks(netlink).find((each) => each.name === name);
    if (!link)
      throw new UnikrunError(`Container ${containerId}: the tap ${name} vanished while it was wired.`);
    raiseLink(netlink, { index: link.index, mtu });
    return { fd, index: link.index };
  };
  const lacking: string[] = [];
  const cards = ordered.map((seen, number) => {
    // Before their answers would go to the guest.
    const led = isPlain ? prepareLed(netlink, seen, containerId) : undefined;
    const nic = led?.nic ?? seen;
    const routers = (led ? [] : nic.routers).map((router) =>
      findRouter(netlink, { link: nic.link, router, containerId }),
    );
    const tap = addTap(tapName(containerId, number), nic.mtu, headers);
    wireCard({ netlink, undo, nic, tap: tap.index, containerId, isGuarded: guard !== undefined });
    for (const router of routers) standIn(netlink, { tap: tap.index, ...router, containerId });
    if (led) standInPlainly(netlink, { tap: tap.index, led });
    fitSegments(netlink, {
      link: nic.link.index,
      tap: tap.index,
      mtu: nic.mtu,
      owner: ownerOf(containerId),
    });
    if (nic.routes) lacking.push(...addDetours(netlink, { nic, tap: tap.index }));
    return { nic, tap, led };
  });
  const nics = cards.map(({ nic }) => nic);
  const asked = dhcp && cards.length > 0 ? addTap(dhcpTapName(containerId), REQUEST_MTU, false) : undefined;
  if (asked) relayRequests(netlink, { cards: cards.map(({ tap }) => tap), relay: asked });
  const makeRelay = (mtu: number): Tap => addTap(resolverTapName(containerId), mtu, false);
  const resolver = server === undefined ? undefined : relayLookups(netlink, { server, cards, makeRelay });
  if (ports.length > 0) carryOver(netlink, { cards, ports, containerId });
  const unguarded = guard && guardCards(netlink, { cards, guard, owner: ownerOf(containerId) });
  const all = opened.move();
  return {
    nics,
    taps: cards.map(({ tap }) => tap.fd),
    lacking,
    ...(resolver ? { resolver } : {}),
    ...(asked ? { dhcp: asked.fd } : {}),
    share(guest) {
      if (cards.length === 0) return null;
      const shared = cards.map(({ nic, tap, led }, card) => ({
        nic,
        led,
        tap: tap.index,
        mac: guest[card]?.mac ?? nic.mac,
      }));
      try {
        alone({ netns, containerId }, () => {
          if (!isPlain) {
            allowSharing();
            shareNetwork({ netlink, undo, cards: shared, owner: ownerOf(containerId) });
          }
          // The engine's name server needs the address to ask its own servers by.
          if (server !== undefined) return;
          for (const [card, { led, tap, mac }] of shared.entries())
            if (led) leadToGuest({ netlink, undo, led, tap, name: tapName(containerId, card), mac });
        });
        return null;
      } catch (cause) {
        return `programs beside the guest in its network namespace can't use their address (${reasonOf(cause)}): that takes eBPF in the kernel's traffic control (modprobe cls_bpf).`;
      }
    },
    ...(unguarded === undefined ? {} : { unguarded }),
    open(neighbours = []) {
      for (const { tap } of cards) openNetwork(netlink, tap.index);
      for (const { nic } of cards) introduceGuest(netlink, nic, neighbours);
    },
    keep: () => void undo.move(),
    [Symbol.dispose]: () => all.dispose(),
  };
}

function gatewayFirst(nics: readonly Nic[]): Nic[] {
  const hasGateway = ({ gateways }: Nic): boolean => gateways.some(({ family }) => family === 4);
  return [...nics.filter(hasGateway), ...nics.filter((nic) => !hasGateway(nic))];
}

/**
 * The neighbours learn its MAC address, and it that of its gateway and of those that it knew, which may have others now: the
 * namespace's own stack asks for them, whose addresses are the guest's, and the guest hears the answers.
 */
function introduceGuest(netlink: Netlink, nic: Nic, neighbours: readonly string[]): void {
  const { addresses, gateways, link } = nic;
  const inReach = neighbours.filter((address) =>
    addresses.some((own) => own.family === 4 && own.address !== address && inSubnet(address, own)),
  );
  const wanted = new Set([...gateways.map(({ address }) => address), ...inReach]);
  for (const address of wanted) askNeighbour(netlink, { index: link.index, address });
}

function wireCard(options: {
  netlink: Netlink;
  undo: DisposableStack;
  nic: Nic;
  tap: number;
  containerId: string;
  isGuarded: boolean;
}): void {
  const { netlink, undo, nic, tap, containerId, isGuarded } = options;
  claimIngress(netlink, nic, containerId);
  undo.defer(() => deleteIngress(netlink, nic.link.index));
  addIngress(netlink, tap, isGuarded ? "clsact" : "ingress");
  const all = { priority: FILTER.all, protocol: "all" } as const;
  addFilter(netlink, { ...all, from: nic.link.index, to: { index: tap } });
  addFilter(netlink, { ...all, from: tap, to: { index: nic.link.index } });
}
