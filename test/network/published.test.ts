/** Published ports of Docker Swarm's services, by rules that a guest's frames never meet: what its card is given, and what leaves by it. */
import { writeSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { addressBytes } from "../../native/ip-address.ts";
import { PROXY_PORT } from "../../runtime/network/shut.ts";
import { BOTH_IPTABLES, type Published, swarmRules } from "./swarm-rules.ts";
import { heardByGuest, heardOutside, MARK, makeWired, NEIGHBOUR, OWN, sendAsGuest } from "./wired.ts";

/** Two that lead to one, one with the same number, and two that are each other's. */
const PORTS: readonly Published[] = [
  { protocol: "tcp", published: 8090, own: 80 },
  { protocol: "tcp", published: 8091, own: 80 },
  { protocol: "tcp", published: 443, own: 443 },
  { protocol: "tcp", published: 9000, own: 9001 },
  { protocol: "tcp", published: 9001, own: 9000 },
  { protocol: "udp", published: 5353, own: 53 },
];

interface Packet {
  readonly protocol?: "tcp" | "udp" | "sctp" | "icmp";
  readonly source?: string;
  readonly target?: string;
  readonly from: number;
  readonly to: number;
  /** Bytes of IP's options. */
  readonly options?: number;
  /** UDP's checksum is zero: there is none. */
  readonly unsummed?: boolean;
  /** IPv4's flags and offset. */
  readonly fragment?: number;
}

const NUMBERS = { tcp: 6, udp: 17, sctp: 132, icmp: 1 };
const MORE = 0x2000;
const BODY = Buffer.from("some bytes");

function make(packet: Packet): Buffer {
  const { protocol = "tcp", source = NEIGHBOUR, target = OWN, from, to, options = 0, fragment = 0 } = packet;
  const length = protocol === "udp" ? 8 : 20;
  const segment = Buffer.concat([Buffer.alloc(length), BODY]);
  segment.writeUInt16BE(from, 0);
  segment.writeUInt16BE(to, 2);
  if (protocol === "tcp") segment.writeUInt16BE(0x5012, 12);
  if (protocol === "udp") segment.writeUInt16BE(segment.length, 4);
  const sumAt = protocol === "udp" ? 6 : 16;
  if (!packet.unsummed) segment.writeUInt16BE(sumOf(packet, segment), sumAt);
  const header = Buffer.alloc(20 + options, 1);
  header.writeUInt8(0x40 + header.length / 4, 0);
  header.writeUInt16BE(header.length + segment.length, 2);
  header.writeUInt16BE(fragment, 6);
  header.writeUInt16BE(0x4000 + NUMBERS[protocol], 8);
  addressBytes(source).copy(header, 12);
  addressBytes(target).copy(header, 16);
  return Buffer.concat([Buffer.alloc(12, 2), Buffer.from("0800", "hex"), header, segment]);
}

/** The internet's checksum (RFC 1071) of a segment whose own is zero, or 0 of one whose own is right. */
function sumOf(
  { protocol = "tcp", source = NEIGHBOUR, target = OWN }: Partial<Packet>,
  segment: Buffer,
): number {
  const pseudo = Buffer.from([0, NUMBERS[protocol], 0, segment.length]);
  const data = Buffer.concat([addressBytes(source), addressBytes(target), pseudo, segment]);
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** "from>to" of each packet of IPv4, with what is wrong with its checksum. */
const seen = (frames: readonly Buffer[]): string[] =>
  frames.flatMap((frame) => {
    if (frame.readUInt16BE(12) !== 0x0800) return [];
    const packet = frame.subarray(14, 14 + frame.readUInt16BE(16));
    const segment = packet.subarray((packet.readUInt8(0) & 15) * 4);
    const isUdp = packet.readUInt8(9) === NUMBERS.udp;
    const [source, target] = [packet.subarray(12, 16), packet.subarray(16, 20)].map((each) => each.join("."));
    const isNone = isUdp && segment.readUInt16BE(6) === 0;
    const about = { protocol: isUdp ? "udp" : "tcp", source: source ?? "", target: target ?? "" } as const;
    const isRight = isNone || sumOf(about, segment) === 0;
    const ports = `${segment.readUInt16BE(0)}>${segment.readUInt16BE(2)}`;
    return `${ports}${isNone ? " unsummed" : isRight ? "" : " with a wrong checksum"}`;
  });

function makeTask(
  t: ExecutionContext,
  options: { iptables?: string; ports?: readonly Published[]; guard?: "shut" } = {},
) {
  const { iptables = "iptables-nft", ports = PORTS, guard } = options;
  const commands = swarmRules(iptables, OWN, ports);
  const { wiring, neighbour } = makeWired(t, { commands, ...(guard ? { guard } : {}) });
  const toGuest = (...packets: readonly Packet[]): string[] => {
    for (const packet of packets) writeSync(neighbour, make(packet));
    writeSync(neighbour, MARK);
    return seen(heardByGuest(wiring));
  };
  const fromGuest = (...packets: readonly Packet[]): string[] => {
    for (const packet of packets) sendAsGuest(wiring, make({ source: OWN, target: NEIGHBOUR, ...packet }));
    sendAsGuest(wiring, MARK);
    return seen(heardOutside(neighbour));
  };
  return { wiring, toGuest, fromGuest };
}

for (const iptables of BOTH_IPTABLES)
  test.serial(
    `what comes for a published port is for the guest's own, and its answers are back again (${iptables})`,
    (t) => {
      const { toGuest, fromGuest } = makeTask(t, { iptables });
      for (const { protocol, published, own } of PORTS) {
        const from = 40_000 + published;
        t.deepEqual(toGuest({ protocol, from, to: published }), [`${from}>${own}`]);
        t.deepEqual(fromGuest({ protocol, from: own, to: from }), [`${published}>${from}`]);
      }
      const udp = { protocol: "udp", from: 50_000, to: 5353, unsummed: true } as const;
      t.deepEqual(toGuest(udp), ["50000>53 unsummed"]);
      t.deepEqual(fromGuest({ ...udp, from: 53, to: 50_000 }), ["5353>50000 unsummed"]);
    },
  );

test.serial("who asks for the guest's own port is answered from that", (t) => {
  const { toGuest, fromGuest } = makeTask(t);
  t.deepEqual(toGuest({ from: 40_000, to: 8090 }, { from: 40_001, to: 80 }), ["40000>80", "40001>80"]);
  t.deepEqual(fromGuest({ from: 80, to: 40_001 }, { from: 80, to: 40_000 }), ["80>40001", "8090>40000"]);
  // The same peer, who comes again for another.
  t.deepEqual(toGuest({ from: 40_000, to: 8091 }), ["40000>80"]);
  t.deepEqual(fromGuest({ from: 80, to: 40_000 }), ["8091>40000"]);
});

test.serial(
  "nothing else gets to the address by TCP, UDP or SCTP, and nothing but answers leaves from it",
  (t) => {
    const { toGuest, fromGuest } = makeTask(t);
    t.deepEqual(
      toGuest(
        { from: 40_000, to: 22 },
        { from: 40_000, to: 53 },
        { protocol: "udp", from: 40_000, to: 8090 },
        { protocol: "sctp", from: 40_000, to: 8090 },
      ),
      [],
    );
    t.is(toGuest({ protocol: "icmp", from: 0x800, to: 0 }).length, 1, "an echo");
    t.is(toGuest({ target: "10.9.0.255", from: 40_000, to: 22 }).length, 1, "another address");
    toGuest({ from: 40_000, to: 8090 });
    t.deepEqual(
      fromGuest(
        { from: 50_000, to: 80 },
        { from: 80, to: 40_001 },
        { protocol: "udp", from: 80, to: 40_000 },
        { protocol: "sctp", from: 80, to: 40_000 },
      ),
      [],
    );
  },
);

test.serial("packets with options and fragments are led alike", (t) => {
  const { toGuest, fromGuest } = makeTask(t);
  for (const options of [4, 40]) {
    t.deepEqual(toGuest({ from: 40_000, to: 8090, options }), ["40000>80"]);
    t.deepEqual(fromGuest({ from: 80, to: 40_000, options }), ["8090>40000"]);
    t.deepEqual(toGuest({ from: 40_000, to: 22, options }), []);
  }
  t.deepEqual(toGuest({ protocol: "udp", from: 40_000, to: 5353, fragment: MORE }), ["40000>53"]);
  // What would be its ports is in the midst of a message.
  t.deepEqual(toGuest({ protocol: "udp", from: 5353, to: 5353, fragment: 8 }), ["5353>5353"]);
  t.deepEqual(fromGuest({ protocol: "udp", from: 53, to: 53, fragment: 8 }), ["53>53"]);
});

test.serial("the port where a guest's kernel takes system calls is published to nobody", (t) => {
  const ports: Published[] = [
    { protocol: "tcp", published: 8090, own: PROXY_PORT },
    { protocol: "tcp", published: 8091, own: 80 },
  ];
  const { toGuest } = makeTask(t, { ports, guard: "shut" });
  t.deepEqual(toGuest({ from: 40_000, to: 8090 }, { from: 40_000, to: 8091 }), ["40000>80"]);
});

test.serial("programs beside the guest leave its published ports to it", (t) => {
  const { wiring, toGuest, fromGuest } = makeTask(t);
  t.is(wiring.share(wiring.nics), null);
  t.deepEqual(toGuest({ from: 40_000, to: 8090 }), ["40000>80"]);
  t.deepEqual(fromGuest({ from: 80, to: 40_000 }), ["8090>40000"]);
});
