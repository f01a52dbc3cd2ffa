import { addressBytes } from "../../native/ip-address.ts";

/** Whether `gateway` can be reached directly from an interface with this address: its subnet has it. */
export function inSubnet(
  gateway: string,
  own: { readonly address: string; readonly prefix: number },
): boolean {
  const [a, b] = [bitsOf(gateway), bitsOf(own.address)];
  return a.length === b.length && a.slice(0, own.prefix) === b.slice(0, own.prefix);
}

/** fe80::/10 */
export const isLinkLocal = (address: string): boolean => /^fe[89ab][0-9a-f]:/i.test(address);

/** An address as text of 32 or 128 binary digits. */
const bitsOf = (address: string): string =>
  Array.from(addressBytes(address), (byte) => byte.toString(2).padStart(8, "0")).join("");
