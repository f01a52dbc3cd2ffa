import type { Netlink } from "../../native/netlink.ts";
import { type Address, type Link, listAddresses, listLinks, listRoutes } from "../../native/rtnetlink.ts";
import type { BootNic } from "../guest/guest.ts";
import { type Router, tellAddressing } from "./routed.ts";
import { defaultGateways, staticRoutes } from "./routes.ts";

/** The name of a link or chain: whoever may change the namespace chose it. */
export const printable = (name: string): string => name.replace(/[^!-~ ]/g, "?");

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
  const gateways = defaultGateways(routes, new Set(links.map(({ index }) => index)));
  return links.map((link) => {
    const given = {
      addresses: addresses.filter((address) => address.index === link.index && isForGuest(address)).map(bare),
      gateways: gateways
        .filter(({ index }) => index === link.index)
        .map(({ family, address }) => ({ family, address })),
    };
    const others = staticRoutes(routes, link.index, given);
    return {
      link,
      mac: link.mac,
      mtu: link.mtu,
      ...tellAddressing(link, given, routes),
      ...(others.length > 0 ? { routes: others } : {}),
    };
  });
}

// A guest makes its own link-local address from its MAC.
const isForGuest = (address: Address): boolean => address.scope === "global" || address.scope === "site";

const bare = ({ family, address, prefix }: Address) => ({ family, address, prefix });
