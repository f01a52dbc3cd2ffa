/** What init is to answer a guest that asks for its addresses (native/init/network/dhcp.c). */
import type { Directive } from "../../native/directives.ts";
import type { Lease } from "../network/dhcp.ts";

/** In the order of the cards; null for one that is told nothing. */
export const leaseDirectives = (leases: readonly (Lease | null)[]): Directive[] => [
  ["dhcp", ""],
  ...leases.flatMap((lease, card) => (lease ? [["lease", lineOf(lease, card)] as const] : [])),
];

const lineOf = ({ mac, address, server, options }: Lease, card: number): string =>
  `${card} ${mac} ${address} ${server} ${options.toString("hex")}`;
