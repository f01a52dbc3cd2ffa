/** Priorities of the filters on an interface or tap: each protocol has its own, and what takes every frame comes last. */
export const FILTER = {
  shut: 1,
  arp: 1,
  ip: 2,
  ipv6: 3,
  visits: 100,
  closed: 400,
  segments: 450,
  share: 500,
  routedIpv4: 600,
  routedIpv6: 601,
  published: 700,
  detourIpv4: 800,
  detourIpv6: 801,
  all: 1000,
};

const PREFIX = "uk";
const ID_CHARACTERS = 10;

/** A tap of a machine's, by its descriptor and its index among the links. */
export interface Tap {
  readonly fd: number;
  readonly index: number;
}

/** "uk" + the container's short id + "-" + the card's number: at most 15 characters (IFNAMSIZ). */
export function tapName(containerId: string, card: number): string {
  const isHex = /^[0-9a-f]{12,}$/.test(containerId);
  const id = isHex ? containerId : new Bun.CryptoHasher("sha256").update(containerId).digest("hex");
  return `${PREFIX}${id.slice(0, ID_CHARACTERS)}-${card}`;
}

/** The tap by which the machine's look-ups get to the relay. */
export function resolverTapName(containerId: string): string {
  return tapName(containerId, 0).replace(/0$/, "r");
}

/** The tap by which its guest's requests for addresses get to their server. */
export function dhcpTapName(containerId: string): string {
  return tapName(containerId, 0).replace(/0$/, "d");
}

/** How many programs may visit a machine's guest at a time. */
export const VISITORS = 32;

/** The tap by which the `place`th of them gets to the guest (visit.ts). */
export function visitorTapName(containerId: string, place: number): string {
  return `${tapName(containerId, 0).slice(0, -1)}x${place.toString(VISITORS)}`;
}

/** Whether an interface's name is one that `tapName`, `visitorTapName`, `resolverTapName` or `dhcpTapName` gives. */
export function isTapName(name: string): boolean {
  return /^uk[0-9a-f]{10}-(\d{1,2}|r|d|x[0-9a-v])$/.test(name);
}

/** The tap that a container's machine is known by in the names of its programs. */
export const ownerOf = (containerId: string): string => tapName(containerId, 0);

/** What a program of a machine's is called in traffic control; `tap` is one of the machine's. */
export const programName = (tap: string, purpose: string): string => `${tap} ${purpose}`;

/** The tap in a name that `programName` gave. */
export const ownerOfProgram = (name: string): string => name.split(" ")[0] ?? "";

/** Whether a program's name is one that `programName` gives. */
export const isOurs = (name: string): boolean => isTapName(ownerOfProgram(name));

/** Whether an interface is one of the container's taps. */
export function isTapOf(containerId: string, name: string): boolean {
  return isTapName(name) && name.startsWith(tapName(containerId, 0).slice(0, -1));
}
