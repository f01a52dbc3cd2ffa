/**
 * Gateways that a guest could not be told of as they are. Calico, Cilium and some clouds give a pod an address alone (/32) and a
 * gateway outside it, and everybody is behind that; so it is with the CNI plugin ptp, though it gives a subnet; and IPv6's gateways have
 * link-local addresses. A guest that knows subnets only is told of one with a gateway in it, and a program on its tap answers
 * with the real gateway's MAC address when it asks for that, or where all are behind it for whomever.
 */
import { addressFromEnd, inSubnet } from "../../native/ip-address.ts";
import type { Link, Route } from "../../native/rtnetlink.ts";
import type { BootNic } from "../guest/guest.ts";

type Addressing = Pick<BootNic, "addresses" | "gateways">;

/** Who stands for others on a link. */
export interface Router {
  /** The gateway's real address. */
  readonly address: string;
  /** Who it stands for: one address that the guest was told of, or all but the guest's own. */
  readonly standsFor: { readonly only: string } | { readonly allBut: string };
}

/** So large a subnet of IPv4 has nobody at its ends, who could not be spoken to. */
const WIDE = { 4: 8, 6: 64 } as const;

/** What a guest is to be told in place of what its interface was given, and which gateways stand for others. */
export function tellAddressing(
  link: Link,
  given: Addressing,
  routes: readonly Route[],
): Addressing & { readonly routers: readonly Router[] } {
  const changes = given.gateways.flatMap((gateway) => changeOf({ link, gateway, given, routes }) ?? []);
  return {
    addresses: given.addresses.map((each) => changes.find(({ own }) => own === each)?.toldOwn ?? each),
    gateways: given.gateways.map(
      (each) => changes.find(({ gateway }) => gateway === each)?.toldGateway ?? each,
    ),
    routers: changes.map(({ router }) => router),
  };
}

function changeOf(options: {
  link: Link;
  gateway: Addressing["gateways"][number];
  given: Addressing;
  routes: readonly Route[];
}) {
  const { link, gateway, given, routes } = options;
  const candidates = given.addresses.filter(({ family }) => family === gateway.family);
  const own = candidates.find((each) => inSubnet(gateway.address, each)) ?? candidates[0];
  if (!own) return undefined;
  const isOnLink = routes.some(
    ({ index, destination, gateway: by }) =>
      index === link.index &&
      by === null &&
      destination !== null &&
      destination.prefix < (own.family === 4 ? 32 : 128) &&
      inSubnet(own.address, destination),
  );
  const isInside = inSubnet(gateway.address, own);
  if (isInside && isOnLink) return undefined;
  const toldOwn = isInside || isOnLink ? own : { ...own, prefix: WIDE[own.family] };
  // The last, which is given away last.
  const toldGateway = isInside ? gateway : { ...gateway, address: addressFromEnd(toldOwn, 0) };
  const standsFor = isOnLink ? { only: toldGateway.address } : { allBut: own.address };
  const router: Router = { address: gateway.address, standsFor };
  return { own, gateway, toldOwn, toldGateway, router };
}
