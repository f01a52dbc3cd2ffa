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
