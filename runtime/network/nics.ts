import type { Netlink } from "../../native/netlink.ts";
import {
  type Address,
  type Link,
  listAddresses,
  listLinks,
  listRoutes,
  type Route,
} from "../../native/rtnetlink.ts";
import type { BootNic } from "../guest/guest.ts";
import { type Router, tellAddressing } from "./routed.ts";

/** An interface of the container's network namespace, as the guest's network card is to be. */
export interface Nic extends BootNic {
  readonly link: Link;
  /** Of the gateways those that stand for others. */
  readonly routers: readonly Router[];
}

/** All interfaces that carry Ethernet frames and are up, but those that `isTap` knows as a machine's, in the kernel's order. */
export function readNics(netlink: Netlink, isTap: (name: string) => boolean): Nic[] {
  const links = listLinks(netlink).filter(
    (link) => link.ethernet && link.up && !link.loopback && !isTap(link.name),
  );
  if (links.length === 0) return [];
  const addresses = listAddresses(netlink);
  const routes = listRoutes(netlink);
  return links.map((link) => {
    const given = {
      addresses: addresses.filter((address) => address.index === link.index && isForGuest(address)).map(bare),
      gateways: [4 as const, 6 as const].flatMap((family) => gatewayOf(routes, link.index, family)),
    };
    return { link, mac: link.mac, mtu: link.mtu, ...tellAddressing(link, given, routes) };
  });
}

// A guest makes its own link-local address from its MAC.
const isForGuest = (address: Address): boolean => address.scope === "global" || address.scope === "site";

const bare = ({ family, address, prefix }: Address) => ({ family, address, prefix });

function gatewayOf(
  routes: readonly Route[],
  index: number,
  family: 4 | 6,
): { family: 4 | 6; address: string }[] {
  const defaults = routes
    .filter((route) => route.index === index && route.family === family && !route.destination)
    .sort((a, b) => a.metric - b.metric);
  const address = defaults.find((route) => route.gateway)?.gateway;
  return address ? [{ family, address }] : [];
}
