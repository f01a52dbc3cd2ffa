/** A guest that is wired into a network, frame by frame on both sides. */
import { readSync, writeSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { openNetlink } from "../../native/netlink.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { listLinks } from "../../native/rtnetlink.ts";
import { openTap } from "../../native/tun.ts";
import { type WireOptions, type Wiring, wireNetwork } from "../../runtime/network/wire.ts";
import { run } from "./netns.ts";

export const OWN = "10.9.0.2";
export const NEIGHBOUR = "10.9.0.7";
/** What stands before a frame on the guest's tap. */
export const HEADER = 10;

/** Ends what a reader waits for. */
export const MARK = Buffer.concat([Buffer.alloc(12, 2), Buffer.from("88b5", "hex"), Buffer.alloc(46, 7)]);

interface Wired extends Pick<WireOptions, "guard" | "rules"> {
  /** Run before in the namespace. */
  readonly commands?: readonly string[];
}

/** A namespace whose eth0 is a tap: what a neighbour sends is written to it, and what he hears is read from it. */
export function makeWired(t: ExecutionContext, { commands = [], ...options }: Wired = {}) {
  const name = `uktest-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  run(`ip netns add ${name}`);
  t.teardown(() => run(`ip netns del ${name}`));
  const netns = `/run/netns/${name}`;
  const neighbour = inNetworkNamespace(netns, () => openTap("eth0", { headers: false }));
  t.teardown(() => neighbour[Symbol.dispose]());
  run(`ip -n ${name} addr add ${OWN}/24 dev eth0`);
  run(`ip -n ${name} link set eth0 up`);
  run(`ip -n ${name} link set lo up`);
  run(`ip -n ${name} route add default via 10.9.0.1`);
  for (const command of commands) run(`ip netns exec ${name} ${command}`);
  const wiring = wireNetwork({ netns, containerId: "c1", limit: 8, ...options });
  t.teardown(() => wiring[Symbol.dispose]());
  t.is(wiring.unguarded, undefined);
  const links = inNetworkNamespace(netns, () => {
    using netlink = openNetlink();
    return listLinks(netlink);
  });
  const tap = links.find((link) => /^uk.*-0$/.test(link.name))?.index ?? 0;
  return { netns, wiring, neighbour: neighbour.fd, tap };
}

/** The frames that the guest's card is given until the mark. */
export const heardByGuest = ({ taps }: Wiring): Buffer[] => framesUntilMark(taps[0] ?? -1, HEADER);

/** Those that a neighbour hears until the mark; the namespace has others of its own. */
export const heardOutside = (neighbour: number): Buffer[] => framesUntilMark(neighbour, 0);

function framesUntilMark(fd: number, header: number): Buffer[] {
  const frames: Buffer[] = [];
  for (;;) {
    const data = Buffer.alloc(4096);
    const frame = data.subarray(header, readSync(fd, data));
    if (frame.equals(MARK)) return frames;
    frames.push(frame);
  }
}

/** A frame from the guest's card, which asks for no offloads. */
export const sendAsGuest = ({ taps }: Wiring, frame: Buffer): void =>
  void writeSync(taps[0] ?? -1, Buffer.concat([Buffer.alloc(HEADER), frame]));
