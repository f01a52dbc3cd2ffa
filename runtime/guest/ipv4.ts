/** What of IPv4 a guest is told that takes one address a card. */
import type { Boot, BootNic } from "./guest.ts";

/** 24 is "255.255.255.0". */
export const dottedMask = (prefix: number): string =>
  [0, 8, 16, 24].map((bit) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - bit)))).join(".");

export const ipv4Of = ({ addresses }: Pick<BootNic, "addresses">): BootNic["addresses"][number] | undefined =>
  addresses.find(({ family }) => family === 4);

export const ipv4GatewayOf = ({ gateways }: Pick<BootNic, "gateways">): string | undefined =>
  gateways.find(({ family }) => family === 4)?.address;

/** In the order in which they are asked; a resolv.conf may name others than addresses. */
export const ipv4Servers = ({ nameServers = [] }: Pick<Boot, "nameServers">): string[] =>
  nameServers.filter((address) => /^\d{1,3}(\.\d{1,3}){3}$/.test(address));
