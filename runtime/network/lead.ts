/**
 * What is left of sharing (share.ts) and of standing in (stand-in.ts) where eBPF may not be loaded, as by users of rootless engines:
 * programs of the namespace reach the guest by their common addresses, which are the guest's alone then. Such programs are those that
 * forward published ports: pasta connects from inside of the namespace for whoever comes by the host's localhost, rootlessport for all.
 */
import { writeControl } from "../../native/files.ts";
import type { Netlink } from "../../native/netlink.ts";
import { addAddress, addHostRoute, disownAddress, ownAddress } from "../../native/own-address.ts";
import { listAddresses, listLinks, setLinkAddress } from "../../native/rtnetlink.ts";
import { addFilter } from "../../native/traffic-control.ts";
import { UnikrunError } from "../error.ts";
import { type AsideAddress, asideIpv4, asideIpv6 } from "./aside.ts";
import type { Nic } from "./nics.ts";
import type { Router } from "./routed.ts";
import { AS_OWN } from "./share-programs.ts";
import { macOf } from "./stand-in.ts";
import { FILTER, isTapName } from "./taps.ts";

/** A card whose tap can answer in a gateway's name, as it has that one's MAC address; null where there is none that answers. */
export interface Led {
  readonly nic: Nic;
  readonly mac: string | null;
  /** For whom it answers the guest. */
  readonly standsFor: readonly string[];
}

/** Milliseconds that a gateway may take to answer that is not needed for the guest to find it. */
const PATIENCE = 1000;

const isIpv6 = ({ address }: { readonly address: string }): boolean => address.includes(":");

/** Before its frames go to the guest. A gateway of IPv6 that can't be stood in for is not told to it. Throws UnikrunError for one of IPv4. */
export function prepareLed(netlink: Netlink, nic: Nic, containerId: string): Led {
  const { index, name } = nic.link;
  const [router4, router6] = [nic.routers.find((each) => !isIpv6(each)), nic.routers.find(isIpv6)];
  const gateway4 = router4 ?? nic.gateways.find((each) => !isIpv6(each));
  const mac4 = gateway4 ? macOf(netlink, { index, address: gateway4.address }, PATIENCE) : null;
  const mac6 = router6 ? macOf(netlink, { index, address: router6.address }) : null;
  const mac = mac4 ?? mac6;
  if (router4 && (mac === null || !("only" in router4.standsFor))) {
    throw new UnikrunError(
      `Container ${containerId}: the gateway ${router4.address} of its interface ${name} is outside its subnet, and a rootless engine's guest can't find it there, as that takes eBPF: give it a network with a gateway in its subnet (podman run --network bridge).`,
    );
  }
  const isKept = (router: Router): boolean =>
    mac !== null && "only" in router.standsFor && (router === router4 || mac === mac6);
  const isLost = router6 !== undefined && !isKept(router6);
  return {
    nic: isLost ? { ...nic, gateways: nic.gateways.filter((each) => !isIpv6(each)) } : nic,
    mac,
    standsFor: nic.routers.flatMap((router) =>
      isKept(router) && "only" in router.standsFor ? [router.standsFor.only] : [],
    ),
  };
}

/** The guest asks for its gateway, and hears of the tap's MAC address, which is that one's. */
export function standInPlainly(netlink: Netlink, { tap, led }: { tap: number; led: Led }): void {
  if (led.mac !== null) setLinkAddress(netlink, { index: tap, mac: led.mac });
  for (const address of led.standsFor) {
    const { questions } = address.includes(":") ? asideIpv6(address) : asideIpv4(address);
    giveStack(netlink, tap, questions);
    addAddress(netlink, { index: tap, address });
  }
}

/** What those programs are to the guest: by IPv4 as in share-programs.ts, by IPv6 on its link, beside its visitors (visit.ts). */
const SOURCES = { 4: asideIpv4(AS_OWN), 6: asideIpv6("fe80::756b:7900") } as const;

/** All of it goes with the tap, but that the addresses are to be given back. `mac` is the guest's. */
export function leadToGuest(options: {
  netlink: Netlink;
  undo: DisposableStack;
  led: Led;
  tap: number;
  /** The tap's. */
  name: string;
  mac: string;
}): void {
  const { netlink, undo, led, tap, name, mac } = options;
  for (const { family, address } of led.nic.addresses) {
    // It answers off its link by its gateway.
    if (family === 4 && (led.mac === null || !led.nic.gateways.some((each) => !isIpv6(each)))) continue;
    const source = SOURCES[family];
    giveStack(netlink, tap, source.packets);
    if (family === 6) giveStack(netlink, tap, source.questions);
    addAddress(netlink, { index: tap, address: source.address });
    // The kernel knows the guest's address for one of its own all the same.
    if (family === 4) writeControl(`/proc/sys/net/ipv4/conf/${name}/accept_local`, "1");
    const own = { index: led.nic.link.index, address };
    undo.defer(() => ownAddress(netlink, own));
    disownAddress(netlink, own);
    addHostRoute(netlink, { index: tap, address, source: source.address, mac });
  }
}

/** Whether the namespace's stack has given up its addresses, and so hears no answers. */
export const isLed = (netlink: Netlink): boolean =>
  listAddresses(netlink).some(({ address }) =>
    Object.values(SOURCES).some((source) => source.address === address),
  );

const PRIORITIES = { ip: FILTER.share, ipv6: FILTER.share + 1, arp: FILTER.share + 2, all: FILTER.all };

/** Those of a guest's frames are for the stack of the tap, and for nobody else. */
function giveStack(netlink: Netlink, tap: number, { protocol, either }: AsideAddress["packets"]): void {
  for (const matches of either)
    addFilter(netlink, { from: tap, priority: PRIORITIES[protocol], protocol, matches });
}

/** Gives the namespace's stack the addresses of its interfaces back. Idempotent. */
export function endLeading(netlink: Netlink): void {
  const cards = new Set(
    listLinks(netlink)
      .filter(({ name, ethernet, up }) => ethernet && up && !isTapName(name))
      .map(({ index }) => index),
  );
  for (const address of listAddresses(netlink)) {
    if (cards.has(address.index)) ownAddress(netlink, address);
  }
}
