const PREFIX = "uk";
const ID_CHARACTERS = 10;

/** "uk" + the container's short id + "-" + the card's number: at most 15 characters (IFNAMSIZ). */
export function tapName(containerId: string, card: number): string {
  const isHex = /^[0-9a-f]{12,}$/.test(containerId);
  const id = isHex ? containerId : new Bun.CryptoHasher("sha256").update(containerId).digest("hex");
  return `${PREFIX}${id.slice(0, ID_CHARACTERS)}-${card}`;
}

/** Whether an interface's name is one that `tapName` gives. */
export function isTapName(name: string): boolean {
  return /^uk[0-9a-f]{10}-\d{1,2}$/.test(name);
}
