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
function bitsOf(address: string): string {
  if (!address.includes(":")) return digits(address.split(".").map(Number), 8);
  // The last 32 bits may be written as of IPv4.
  const plain = address.replace(/[\d.]+$/, (tail) => (tail.includes(".") ? hexadecimal(tail) : tail));
  const [head = [], tail] = plain.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const zeros = tail ? Array<string>(8 - head.length - tail.length).fill("0") : [];
  return digits(
    [...head, ...zeros, ...(tail ?? [])].map((group) => Number.parseInt(group, 16)),
    16,
  );
}

const digits = (values: readonly number[], width: number): string =>
  values.map((value) => value.toString(2).padStart(width, "0")).join("");

function hexadecimal(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
