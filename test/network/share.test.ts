/** What a guest could send that it should not: frames that a well-behaved one does not make. */
import { writeSync } from "node:fs";
import test from "ava";
import { addressBytes } from "../../native/ip-address.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { wireNetwork } from "../../runtime/network/wire.ts";
import { makeNetns, run } from "./netns.ts";

const OWN = "10.9.0.2";
const AS_LOCALHOST = "192.0.0.8";

/** The internet's checksum (RFC 1071). */
function checksum(...parts: readonly Buffer[]): number {
  const data = Buffer.concat(parts);
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Of /proc/net/netstat, where names stand above their numbers. */
function counter(netstat: string, name: string): number {
  const [names = "", numbers = ""] = netstat.split("\n").filter((line) => line.startsWith("TcpExt:"));
  return Number(numbers.split(" ")[names.split(" ").indexOf(name)]);
}

interface Syn {
  readonly source?: string;
  readonly from: number;
  readonly to: number;
}

/** A SYN to the programs' localhost, as the guest's card sends it: without offloads, to its gateway. */
function syn({ source = OWN, from, to }: Syn): Buffer {
  const [sender, target] = [addressBytes(source), addressBytes(AS_LOCALHOST)];
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(from, 0);
  tcp.writeUInt16BE(to, 2);
  tcp.writeUInt16BE(0x5002, 12);
  tcp.writeUInt16BE(65535, 14);
  tcp.writeUInt16BE(checksum(sender, target, Buffer.from([0, 6, 0, tcp.length]), tcp), 16);
  const ip = Buffer.concat([Buffer.from([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0]), sender, target]);
  ip.writeUInt16BE(checksum(ip), 10);
  const [header, macs] = [Buffer.alloc(10), Buffer.from("020000000001024200000002", "hex")];
  return Buffer.concat([header, macs, Buffer.from([8, 0]), ip, tcp]);
}

test("a guest asks what listens on localhost as itself, and not in the name of others", async (t) => {
  using place = makeNetns();
  const netns = place.path;
  const inside = `ip netns exec ${netns.replace(/^.*\//, "")}`;
  const listen = (port: number) =>
    inNetworkNamespace(netns, () => Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }));
  const servers = [9000, 9001].map(listen);
  t.teardown(() => {
    for (const server of servers) server.stop(true);
  });
  using wiring = wireNetwork({ netns, containerId: "c1", limit: 8 });
  t.is(wiring.share(wiring.nics), null);
  const card = wiring.nics.findIndex(({ link }) => link.name === "eth0");
  const client = await inNetworkNamespace(netns, () =>
    Bun.connect({ hostname: "127.0.0.1", port: 9000, socket: { data() {} } }),
  );
  t.teardown(() => client.terminate());
  const heard = async (frame: Syn, patience = 50) => {
    writeSync(wiring.taps[card] ?? -1, syn(frame));
    const deadline = performance.now() + patience;
    for (;;) {
      await Bun.sleep(50);
      if (run(`${inside} ss -Htn state syn-recv`).includes(`127.0.0.1:${frame.from}`)) return true;
      if (performance.now() > deadline) return false;
    }
  };
  t.true(await heard({ from: 50_000, to: 9000 }, 10_000));
  t.false(await heard({ source: "127.0.0.1", from: 50_001, to: 9000 }));
  t.false(await heard({ source: "10.9.0.3", from: 50_002, to: 9000 }), "an address that is not its own");
  t.true(await heard({ from: 50_003, to: 9001 }, 10_000));
  // A socket that has its connection answers whoever says in its peer's name that he begins one.
  const challenges = () => counter(run(`${inside} cat /proc/net/netstat`), "TCPSYNChallenge");
  const before = challenges();
  await heard({ from: 9000, to: client.localPort });
  t.is(challenges(), before);
});
