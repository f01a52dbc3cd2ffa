/** A guest that knows no MTU but Ethernet's, on a network with a smaller one: its part is played by frames on its tap. */
import { read } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { writeAll } from "../../native/files.ts";
import { addressBytes } from "../../native/ip-address.ts";
import { macBytes } from "../../native/mac-address.ts";
import { wireNetwork } from "../../runtime/network/wire.ts";
import { run } from "./netns.ts";

const HOST = "10.77.0.1";
const GUEST = "10.77.0.2";
const MAC = { host: "02:42:0a:4d:00:01", guest: "02:42:0a:4d:00:02" };
const ETHERNET = 1460;

/** A namespace whose interface has that MTU, while its other end, which is ours, has Ethernet's; and the card's tap. */
function makeNarrow(t: ExecutionContext, mtu: number): number {
  const [name, end] = [`ukm-${process.pid}-${mtu}`, `ukm${process.pid}`];
  run(`ip netns add ${name}`);
  t.teardown(() => run(`ip netns del ${name}`));
  for (const command of [
    `ip link add ${end} address ${MAC.host} type veth peer name eth0 netns ${name}`,
    `ip addr add ${HOST}/24 dev ${end}`,
    `ip link set ${end} up`,
    `ip -n ${name} link set eth0 address ${MAC.guest} mtu ${mtu} up`,
    `ip -n ${name} addr add ${GUEST}/24 dev eth0`,
    `ip neigh replace ${GUEST} lladdr ${MAC.guest} dev ${end}`,
  ])
    run(command);
  t.teardown(() => run(`ip link del ${end}`));
  const netns = `/run/netns/${name}`;
  const wiring = wireNetwork({ netns, containerId: "segments", limit: 8, headers: false });
  t.teardown(() => wiring[Symbol.dispose]());
  return wiring.taps[0] ?? -1;
}

/** The next frame with TCP in it. */
async function nextTcp(tap: number): Promise<Buffer> {
  for (;;) {
    const frame = Buffer.alloc(2048);
    const { bytesRead } = await promisify(read)(tap, frame, 0, frame.length, null);
    if (frame.readUInt16BE(12) === 0x0800 && frame.readUInt8(23) === 6) return frame.subarray(0, bytesRead);
  }
}

/** The size that a SYN has as its first option. */
function sizeIn(t: ExecutionContext, frame: Buffer): number {
  t.is(frame.readUInt8(47) & 2, 2, "a SYN");
  t.is(frame.readUInt16BE(54), 0x0204);
  t.is(checksum(pseudoHeader(frame.length - 34), frame.subarray(34)), 0, "its checksum");
  return frame.readUInt16BE(56);
}

const pseudoHeader = (length: number): Buffer =>
  Buffer.concat([addressBytes(HOST), addressBytes(GUEST), Buffer.from([0, 6, length >> 8, length & 0xff])]);

function checksum(...parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts)
    for (let at = 0; at < part.length; at += 2)
      sum += at + 1 < part.length ? part.readUInt16BE(at) : part.readUInt8(at) * 256;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A segment of the guest's, with a size where it is a SYN. */
function segment(to: { port: number; sequence: number; answered: number; size?: number }): Buffer {
  const { port, sequence, answered, size } = to;
  const tcp = Buffer.alloc(size === undefined ? 20 : 24);
  tcp.writeUInt16BE(50_000, 0);
  tcp.writeUInt16BE(port, 2);
  tcp.writeUInt32BE(sequence, 4);
  tcp.writeUInt32BE(answered, 8);
  tcp.writeUInt8((tcp.length / 4) << 4, 12);
  tcp.writeUInt8(size === undefined ? 0x10 : 0x02, 13);
  tcp.writeUInt16BE(64_000, 14);
  if (size !== undefined) tcp.writeUInt32BE(0x02040000 + size, 20);
  tcp.writeUInt16BE(checksum(pseudoHeader(tcp.length), tcp), 16);
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(20 + tcp.length, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(6, 9);
  addressBytes(GUEST).copy(ip, 12);
  addressBytes(HOST).copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([macBytes(MAC.host), macBytes(MAC.guest), Buffer.from([8, 0]), ip, tcp]);
}

for (const [mtu, most] of [
  [1400, 1360],
  [1500, ETHERNET],
] as const)
  test.serial(
    `with an MTU of ${mtu} connections agree on segments of ${most} bytes, whoever begins`,
    async (t) => {
      const tap = makeNarrow(t, mtu);
      const socket = connect(80, GUEST);
      socket.on("error", () => {});
      t.is(sizeIn(t, await nextTcp(tap)), most);
      socket.destroy();

      const server = createServer().listen(0, HOST);
      t.teardown(() => server.close());
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as { port: number };
      const met = new Promise<Socket>((resolve) => server.once("connection", resolve));
      writeAll(tap, segment({ port, sequence: 1, answered: 0, size: ETHERNET }));
      let answer = await nextTcp(tap);
      while (answer.readUInt16BE(36) !== 50_000) answer = await nextTcp(tap);
      t.is(sizeIn(t, answer), most);
      writeAll(tap, segment({ port, sequence: 2, answered: answer.readUInt32BE(38) + 1 }));
      const accepted = await met;
      t.teardown(() => accepted.destroy());
      t.regex(run(`ss -tinH sport = :${port}`), new RegExp(`\\bmss:${most}\\b`));
    },
  );
