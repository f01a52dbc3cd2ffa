/** What of its network namespace's main table a guest gets. That table says where packets go, and not the order of the interfaces. */
import { inSubnet, isLinkLocal } from "../../native/ip-address.ts";
import type { Route } from "../../native/rtnetlink.ts";
import type { BootNic } from "../guest/guest.ts";

export interface Gateway {
  /** Of the link that it is reached by. */
  readonly index: number;
  readonly family: 4 | 6;
  readonly address: string;
}

/** The gateway of each family's preferred default route by one of these links: others count only where that is gone. */
export function defaultGateways(routes: readonly Route[], links: ReadonlySet<number>): Gateway[] {
  return [4 as const, 6 as const].flatMap((family) => {
    const [best] = routes
      .filter(
        ({ index, destination, gateway, ...route }) =>
          route.family === family &&
          destination === null &&
          gateway !== null &&
          familyOf(gateway) === family &&
          links.has(index),
      )
      .sort((a, b) => a.metric - b.metric);
    return best?.gateway ? [{ index: best.index, family, address: best.gateway }] : [];
  });
}

const familyOf = (address: string): 4 | 6 => (address.includes(":") ? 6 : 4);

export type StaticRoute = NonNullable<BootNic["routes"]>[number];

/** Those by a link that do not follow from the interface's own addresses and its default gateway. */
export function staticRoutes(
  routes: readonly Route[],
  index: number,
  { addresses, gateways }: Pick<BootNic, "addresses" | "gateways">,
): StaticRoute[] {
  const own = routes.filter((route) => route.index === index);
  return own.flatMap(({ family, destination, gateway }) => {
    if (destination === null || isLinkLocal(destination.address)) return [];
    const isConnected = addresses.some(
      (each) =>
        each.family === family && each.prefix <= destination.prefix && inSubnet(destination.address, each),
    );
    const isWayToGateway = own.some((each) => each.gateway === destination.address);
    if (gateway === null && (isConnected || isWayToGateway)) return [];
    if (gateways.some(({ address }) => address === gateway)) return [];
    return [{ family, ...destination, gateway }];
  });
}

/** "10.9.0.0/16 via 10.0.0.3". */
export const routeWords = ({ address, prefix, gateway }: StaticRoute): string =>
  `${address}/${prefix}${gateway === null ? "" : ` via ${gateway}`}`;
