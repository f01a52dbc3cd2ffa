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

/** 4 bytes as "10.0.0.1", 16 bytes in the short form of RFC 5952. */
export function formatAddress(data: Buffer): string {
  if (data.length === 4) return [...data].join(".");
  const words = Array.from({ length: 8 }, (_, i) => data.readUInt16BE(i * 2));
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && words[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: number[]): string => part.map((word) => word.toString(16)).join(":");
  if (best.length < 2) return hex(words);
  return `${hex(words.slice(0, best.start))}::${hex(words.slice(best.start + best.length))}`;
}

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

/** One of the subnet's addresses, counted from the last before its broadcast, without the one that it is given by. */
export function addressFromEnd({ address, prefix }: Subnet, place: number): string {
  const bytes = addressBytes(address);
  const own = BigInt(`0x${bytes.toString("hex")}`);
  const broadcast = own | ((1n << BigInt(8 * bytes.length - prefix)) - 1n);
  const chosen = broadcast - 1n - BigInt(place);
  const isPast = chosen <= own && own < broadcast;
  const digits = (isPast ? chosen - 1n : chosen).toString(16).padStart(2 * bytes.length, "0");
  return formatAddress(Buffer.from(digits, "hex"));
}
