/** What a guest is told that asks for its addresses, by init's own answers (native/init/network/dhcp.c). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { encodeDirectives } from "../../native/directives.ts";
import { addressBytes, formatAddress } from "../../native/ip-address.ts";
import type { BootNic } from "../../runtime/guest/guest.ts";
import { leaseDirectives } from "../../runtime/machine/leases.ts";
import { leaseOf, type Told } from "../../runtime/network/dhcp.ts";
import { compileInit } from "../native/init-parts.ts";

const folder = mkdtempSync(`${tmpdir()}/unikrun-dhcp-`);
const server = `${folder}/server`;

test.before(() =>
  compileInit({
    program: server,
    source: `${import.meta.dirname}/dhcp-answers.c`,
    parts: ["network/dhcp", "network/checksum", "trace", "directives", "fail", "io"],
    sanitized: true,
  }),
);
test.after.always(() => rmSync(folder, { recursive: true }));

const NIC: BootNic = {
  mac: "02:42:ac:11:00:02",
  mtu: 1400,
  addresses: [{ family: 4, address: "172.17.0.2", prefix: 16 }],
  gateways: [{ family: 4, address: "172.17.0.1" }],
};
const OTHER: BootNic = {
  mac: "02:42:0a:00:00:05",
  mtu: 1500,
  addresses: [{ family: 4, address: "10.0.0.5", prefix: 24 }],
  gateways: [],
};
const TOLD: Told = {
  hostname: "db",
  nameServers: ["169.254.53.53", "fd00::1"],
  searchDomains: ["a.example"],
};

const TYPE = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8 };
const OURS = [169, 254, 53, 53];

interface Ask {
  readonly mac?: string;
  readonly type?: number;
  readonly options?: readonly (readonly [code: number, value: readonly number[]])[];
  readonly client?: string;
  readonly flags?: number;
  readonly relay?: string;
}

/** A frame as a client sends it. */
function frameOf({
  mac = NIC.mac,
  type = TYPE.discover,
  options = [],
  client,
  flags = 0,
  relay,
}: Ask): Buffer {
  const frame = Buffer.alloc(14 + 20 + 8 + 240);
  frame.fill(0xff, 0, 6);
  const hardware = Buffer.from(mac.replaceAll(":", ""), "hex");
  hardware.copy(frame, 6);
  frame.writeUInt16BE(0x0800, 12);
  frame.writeUInt8(0x45, 14);
  frame.writeUInt8(17, 23);
  frame.writeUInt16BE(67, 36);
  const bootp = frame.subarray(42);
  bootp.set([1, 1, 6]);
  bootp.writeUInt32BE(0x12345678, 4);
  bootp.writeUInt16BE(flags, 10);
  if (client !== undefined) addressBytes(client).copy(bootp, 12);
  if (relay !== undefined) addressBytes(relay).copy(bootp, 24);
  hardware.copy(bootp, 28);
  bootp.writeUInt32BE(0x63825363, 236);
  const said = [[53, [type]] as const, ...options].map(([code, value]) =>
    Buffer.from([code, value.length, ...value]),
  );
  const whole = Buffer.concat([frame, ...said, Buffer.from([255])]);
  whole.writeUInt16BE(whole.length - 14, 16);
  whole.writeUInt16BE(whole.length - 34, 38);
  return whole;
}

interface Answer {
  readonly to: { readonly mac: string; readonly address: string };
  readonly card: number;
  readonly id: number;
  readonly address: string;
  readonly type: number;
  readonly options: ReadonlyMap<number, Buffer>;
}

/** Null for none. */
function answersTo(...frames: readonly Buffer[]): (Answer | null)[] {
  const leases = [NIC, OTHER].map((nic) => leaseOf(nic, TOLD));
  writeFileSync(`${folder}/directives`, encodeDirectives(leaseDirectives(leases)));
  const { stdout, stderr, exitCode } = Bun.spawnSync([
    server,
    `${folder}/directives`,
    ...frames.map((each) => each.toString("hex")),
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return stdout
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => (line === "none" ? null : answerOf(line)));
}

function answerOf(line: string): Answer {
  const frame = Buffer.from(line, "hex");
  const options = optionsIn(frame.subarray(42 + 240));
  return {
    to: { mac: frame.toString("hex", 0, 6), address: formatAddress(frame.subarray(30, 34)) },
    card: frame.readUInt8(11),
    id: frame.readUInt32BE(46),
    address: formatAddress(frame.subarray(58, 62)),
    type: options.get(53)?.readUInt8(0) ?? 0,
    options,
  };
}

function optionsIn(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; bytes[at] !== 255 && at < bytes.length; ) {
    const [code = 0, size = 0] = [bytes[at], bytes[at + 1]];
    found.set(code, bytes.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return found;
}

const answerTo = (ask: Ask): Answer | null => answersTo(frameOf(ask))[0] ?? null;

test("a guest is offered, and given, its container's address, mask, gateway, name servers, name and MTU, for ever", (t) => {
  const request = {
    type: TYPE.request,
    options: [
      [54, OURS],
      [50, [172, 17, 0, 2]],
    ] as const,
  };
  const [offer, given] = answersTo(frameOf({}), frameOf(request));
  t.like(offer, { type: TYPE.offer, address: "172.17.0.2", id: 0x12345678, card: 0 });
  t.like(given, { type: TYPE.ack, address: "172.17.0.2" });
  t.like(given?.to, { mac: "0242ac110002", address: "172.17.0.2" });
  const options = given?.options;
  const texts = new Map([...(options ?? [])].map(([code, value]) => [code, value.toString("hex")]));
  t.is(texts.get(1), "ffff0000");
  t.is(texts.get(3), "ac110001");
  t.is(texts.get(6), "a9fe3535");
  t.is(texts.get(26), "0578");
  t.is(texts.get(51), "ffffffff");
  t.is(options?.get(12)?.toString(), "db");
  t.is(options?.get(15)?.toString(), "a.example");
  t.is(options?.get(119)?.toString("latin1"), "\x01a\x07example\0");
  t.false(texts.has(121));
});

test("each card gets its own, by its MAC address, and nobody else gets any", (t) => {
  t.like(answerTo({ mac: OTHER.mac }), { card: 1, address: "10.0.0.5" });
  t.is(answerTo({ mac: "02:42:ac:11:00:03" }), null);
});

test("another address than its own is refused it, in all ways that it may ask", (t) => {
  const wanted = [[50, [172, 17, 0, 3]]] as const;
  t.like(answerTo({ type: TYPE.request, options: wanted }), { type: TYPE.nak, address: "0.0.0.0" });
  t.is(answerTo({ type: TYPE.request, client: "10.0.0.9" })?.type, TYPE.nak);
  t.is(answerTo({ type: TYPE.request, client: "172.17.0.2" })?.type, TYPE.ack);
  t.is(answerTo({ type: TYPE.request, options: [[54, [10, 0, 0, 1]], ...wanted] }), null, "another server's");
});

test("who has an address is told the rest, and what ends a lease is not answered", (t) => {
  const informed = answerTo({ type: TYPE.inform, client: "172.17.0.2" });
  t.like(informed, { type: TYPE.ack, address: "0.0.0.0" });
  t.false(informed?.options.has(51));
  for (const type of [TYPE.decline, TYPE.release, TYPE.offer]) t.is(answerTo({ type }), null);
});

test("who can't hear what is sent to an address that it has not yet, hears it as everybody would", (t) => {
  t.deepEqual(answerTo({ flags: 0x8000 })?.to, { mac: "ffffffffffff", address: "255.255.255.255" });
});

test("a frame that is cut, of a relay's, or no request, is not answered", (t) => {
  const whole = frameOf({});
  const cuts = Array.from({ length: whole.length - 4 }, (_, length) => whole.subarray(0, length + 1));
  t.true(answersTo(...cuts).every((answer) => answer === null));
  t.is(answerTo({ relay: "10.0.0.1" }), null);
  const reply = frameOf({});
  reply.writeUInt8(2, 42);
  const fragment = frameOf({});
  fragment.writeUInt16BE(0x2000, 20);
  t.deepEqual(answersTo(reply, fragment), [null, null]);
});

const optionsOf = (nic: Partial<BootNic>, told: Partial<Told> = {}): Map<number, Buffer> =>
  optionsIn(
    Buffer.concat([
      leaseOf({ ...NIC, ...nic }, { ...TOLD, ...told })?.options ?? Buffer.alloc(0),
      Buffer.from([255]),
    ]),
  );

test("a gateway outside the subnet is reached by a route of its own, for who knows such routes", (t) => {
  const options = optionsOf({
    addresses: [{ family: 4, address: "10.1.2.3", prefix: 32 }],
    gateways: [{ family: 4, address: "169.254.1.1" }],
  });
  t.is(options.get(1)?.toString("hex"), "ffffffff");
  t.is(options.get(3)?.toString("hex"), "a9fe0101");
  t.is(options.get(121)?.toString("hex"), "20a9fe01010000000000a9fe0101");
});

test("other routes are told with the default one, which a client that takes them takes from nowhere else", (t) => {
  const routes = [
    { family: 4, address: "10.9.128.0", prefix: 17, gateway: "172.17.0.3" },
    { family: 6, address: "fd00:9::", prefix: 48, gateway: "fd00::3" },
    { family: 4, address: "10.8.0.7", prefix: 32, gateway: null },
  ] as const;
  const told = optionsOf({ routes }, {}).get(121)?.toString("hex");
  t.is(told, `110a0980ac110003${"200a08000700000000"}${"00ac110001"}`);
});

test("a card without IPv4 is told nothing, and one without a gateway or names nothing of these", (t) => {
  t.is(leaseOf({ ...NIC, addresses: [{ family: 6, address: "fd00::2", prefix: 64 }] }, TOLD), null);
  const options = optionsOf({ gateways: [] }, { hostname: undefined, nameServers: [], searchDomains: [] });
  t.deepEqual([...options.keys()], [1, 26]);
});

test("a name server that is no IPv4 address is left out", (t) => {
  const options = optionsOf({}, { nameServers: ["gateway", "1.2", "fd00::1", "9.9.9.9"] });
  t.is(options.get(6)?.toString("hex"), "09090909");
});

test("what does not fit into an answer that every client takes is left out, the least needed first", (t) => {
  const long = Array.from({ length: 6 }, () => "x".repeat(60)).join(".");
  const options = optionsOf({}, { hostname: "h".repeat(64), searchDomains: ["short.example", long] });
  t.deepEqual([...options.keys()], [1, 3, 6, 26, 12, 15]);
});
