/** Who gets to the port where a guest's kernel takes system calls, by the frames that its card is given. */
import { writeSync } from "node:fs";
import test from "ava";
import { addressBytes } from "../../native/ip-address.ts";
import { sendFrame } from "../../native/packet.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { PROXY_PORT } from "../../runtime/network/shut.ts";
import { visitGuest } from "../../runtime/network/visit.ts";
import type { Wiring } from "../../runtime/network/wire.ts";
import { heardByGuest, heardOutside, MARK, makeWired, NEIGHBOUR, OWN, sendAsGuest } from "./wired.ts";

/** The TCP ports of what the guest's card is given until the mark, and what else it is as "other". */
const heard = (wiring: Wiring): (number | "other")[] => heardByGuest(wiring).map(portOf);

function portOf(frame: Buffer): number | "other" {
  const start = frame.readUInt16BE(12) === 0x8100 ? 18 : 14;
  const isFirst = (frame.readUInt16BE(start + 6) & 0x1fff) === 0;
  const isIpv4 = frame.readUInt16BE(start - 2) === 0x0800 && frame.readUInt8(start + 9) === 6 && isFirst;
  const port = start + (frame.readUInt8(start) & 15) * 4 + 2;
  return isIpv4 && port + 2 <= frame.length ? frame.readUInt16BE(port) : "other";
}

interface Shape {
  readonly options?: number;
  readonly more?: boolean;
  /** Bytes of TCP. */
  readonly length?: number;
  readonly tag?: boolean;
}

function tcp(port: number, { options = 0, more = false, length = 20, tag = false }: Shape = {}): Buffer {
  const segment = Buffer.alloc(20);
  segment.writeUInt16BE(40_000, 0);
  segment.writeUInt16BE(port, 2);
  segment.writeUInt16BE(0x5002, 12);
  const header = Buffer.alloc(20 + options, 1);
  header.writeUInt8(0x40 + header.length / 4, 0);
  header.writeUInt16BE(header.length + length, 2);
  header.writeUInt16BE(more ? 0x2000 : 0, 6);
  header.writeUInt16BE(0x4006, 8);
  addressBytes(NEIGHBOUR).copy(header, 12);
  addressBytes(OWN).copy(header, 16);
  const type = Buffer.from(tag ? "810000000800" : "0800", "hex");
  return Buffer.concat([Buffer.alloc(12, 2), type, header, segment.subarray(0, length)]);
}

test.serial(
  "a neighbour does not reach the port, however he cuts his packets, and reaches all others",
  (t) => {
    const { wiring, neighbour } = makeWired(t, { guard: "shut" });
    const shapes: Shape[] = [{}, { options: 4 }, { options: 40 }, { more: true, length: 8 }, { tag: true }];
    for (const shape of shapes) {
      writeSync(neighbour, tcp(PROXY_PORT, shape));
      writeSync(neighbour, tcp(PROXY_PORT - 1, shape));
      writeSync(neighbour, MARK);
      t.deepEqual(heard(wiring), [PROXY_PORT - 1], JSON.stringify(shape));
    }
    // Too short for the ports: nobody makes such a one.
    writeSync(neighbour, tcp(80, { more: true, length: 2 }));
    writeSync(neighbour, MARK);
    t.deepEqual(heard(wiring), []);
  },
);

test.serial("a neighbour reaches the port of a guest that nothing guards", (t) => {
  const { wiring, neighbour } = makeWired(t);
  writeSync(neighbour, tcp(PROXY_PORT));
  writeSync(neighbour, MARK);
  t.deepEqual(heard(wiring), [PROXY_PORT]);
});

test.serial(
  "programs beside the guest do not reach the port, neither by an address nor by its tap",
  async (t) => {
    const { netns, wiring, tap } = makeWired(t, { guard: "shut" });
    t.is(wiring.share(wiring.nics), null);
    for (const address of ["127.0.0.1", OWN]) {
      for (const port of [PROXY_PORT, 80]) {
        const connecting = inNetworkNamespace(netns, () =>
          Bun.connect({ hostname: address, port, socket: { data() {}, connectError() {} } }),
        );
        connecting.catch(() => undefined);
      }
      await Bun.sleep(50);
      inNetworkNamespace(netns, () => sendFrame(tap, MARK));
      const ports = heard(wiring);
      t.true(ports.includes(80), address);
      t.false(ports.includes(PROXY_PORT), address);
    }
    inNetworkNamespace(netns, () => {
      for (const shape of [{}, { tag: true }])
        t.throws(() => sendFrame(tap, tcp(PROXY_PORT, shape)), { message: /No buffer space/ });
      sendFrame(tap, tcp(80));
      sendFrame(tap, MARK);
    });
    t.deepEqual(heard(wiring), [80]);
  },
);

test.serial("a visitor reaches the port", (t) => {
  const { netns, wiring } = makeWired(t, { guard: "closed" });
  using way = visitGuest({ netns, containerId: "c1" });
  writeSync(way.tap, tcp(PROXY_PORT));
  writeSync(way.tap, MARK);
  t.deepEqual(heard(wiring), [PROXY_PORT]);
});

test.serial("until a network is opened nothing gets to the guest, and nothing from it to others", (t) => {
  const { wiring, neighbour } = makeWired(t, { guard: "closed" });
  t.is(wiring.share(wiring.nics), null);
  writeSync(neighbour, tcp(80));
  sendAsGuest(wiring, tcp(81));
  wiring.open(["10.9.0.9", OWN, "10.8.0.1"]);
  writeSync(neighbour, tcp(82));
  writeSync(neighbour, tcp(PROXY_PORT));
  writeSync(neighbour, MARK);
  sendAsGuest(wiring, tcp(83));
  sendAsGuest(wiring, MARK);
  t.deepEqual(heard(wiring), [82]);
  const outside = heardOutside(neighbour);
  const typed = (type: number): Buffer[] => outside.filter((frame) => frame.readUInt16BE(12) === type);
  t.deepEqual(
    typed(0x0800).map((frame) => frame.readUInt16BE(36)),
    [83],
  );
  const asked = typed(0x0806).map((frame) => frame.toString("hex", 28));
  const isAsked = (address: string): boolean =>
    asked.includes(
      `${addressBytes(OWN).toString("hex")}${"0".repeat(12)}${addressBytes(address).toString("hex")}`,
    );
  t.true(isAsked("10.9.0.1"), "its gateway");
  t.true(isAsked("10.9.0.9"), "a neighbour that it knew");
  t.false(isAsked("10.8.0.1"), "one of another network");
});
