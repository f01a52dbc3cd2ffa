/** The 4 or 16 bytes of an IP address. */
export function addressBytes(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  // The last 32 bits may be written as of IPv4.
  const plain = address.replace(/[\d.]+$/, (tail) => (tail.includes(".") ? asGroups(tail) : tail));
  const [head = [], tail] = plain.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const zeros = tail ? Array<string>(8 - head.length - tail.length).fill("0") : [];
  const groups = [...head, ...zeros, ...(tail ?? [])];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}

const asGroups = (address: string): string => addressBytes(address).toString("hex").replace(/^..../, "$&:");

export interface Subnet {
  /** Any of the subnet's. */
  readonly address: string;
  readonly prefix: number;
}

export function inSubnet(address: string, subnet: Subnet): boolean {
  const [a, b] = [bitsOf(address), bitsOf(subnet.address)];
  return a.length === b.length && a.slice(0, subnet.prefix) === b.slice(0, subnet.prefix);
}

/** fe80::/10 */
export const isLinkLocal = (address: string): boolean => /^fe[89ab][0-9a-f]:/i.test(address);

/** An address as text of 32 or 128 binary digits. */
const bitsOf = (address: string): string =>
  Array.from(addressBytes(address), (byte) => byte.toString(2).padStart(8, "0")).join("");
