/** Which way a guest's packets take where its network namespace has several: they arrive, or the log says that they won't. */
import test, { type ExecutionContext } from "ava";
import { run } from "../network/netns.ts";
import { ask } from "./ask.ts";
import { makeBench, placeInNetwork, repository, until } from "./harness.ts";
import { address, makeNetworks } from "./networks.ts";

/** Of the host, on no network of the guest's: whoever reaches it came by a gateway. */
const WORLD = "192.0.2.1";

/** Starts a guest in a namespace with two cards, in which `ip` has made these settings; returns what its log says of routes. */
function startIn(t: ExecutionContext, settings: readonly string[]): string[] {
  const netns = makeNetworks(t, 2);
  const name = netns.replace("/run/netns/", "");
  const world = `ukw${process.pid}`;
  run(`ip link add ${world} type bridge`);
  t.teardown(() => run(`ip link del ${world}`));
  run(`ip link set ${world} up`);
  run(`ip addr add ${WORLD}/32 dev ${world}`);
  makeRouter(t);
  for (const setting of settings) run(`ip -n ${name} ${setting}`);
  const bench = makeBench(["http", "80"]);
  t.teardown(() => bench[Symbol.dispose]());
  placeInNetwork(bench, netns);
  t.is(bench.call("create").code, 0);
  const { code, log } = bench.call("start", bench.id);
  t.is(code, 0, log.at(-1)?.msg);
  return log.map(({ msg }) => msg).filter((msg) => msg.includes("has no route"));
}

/**
 * Another router on the first card's network, 10.213.0.3 and fd13::3, with what only it has: 198.51.100.1 and 2001:db8:5::1, and at the
 * network itself 203.0.113.5. It tells who asked.
 */
function makeRouter(t: ExecutionContext): void {
  const [name, bridge] = [`ukr-${process.pid}`, `ukb${process.pid}`];
  const end = `ukfw${process.pid}0`;
  for (const command of [
    `ip netns add ${name}`,
    `ip link add ${bridge} type bridge`,
    `ip addr flush dev ${end}`,
    `ip link set ${end} master ${bridge}`,
    `ip addr add 10.213.0.1/24 dev ${bridge}`,
    `ip addr add fd13::1/64 dev ${bridge} nodad`,
    `ip addr add fd14::1/64 dev ${bridge} nodad`,
    `ip link set ${bridge} up`,
    `ip link add ${end}r type veth peer name eth0 netns ${name}`,
    `ip link set ${end}r master ${bridge} up`,
    `ip -n ${name} link set lo up`,
    `ip -n ${name} link set eth0 up`,
    ...["10.213.0.3/24", "203.0.113.5/32"].map((each) => `ip -n ${name} addr add ${each} dev eth0`),
    `ip -n ${name} addr add fd13::3/64 dev eth0 nodad`,
    `ip -n ${name} addr add 198.51.100.1/32 dev lo`,
    `ip -n ${name} addr add 2001:db8:5::1/128 dev lo nodad`,
  ])
    run(command);
  const script =
    'Bun.serve({ hostname: "::", port: 80, fetch: (request, server) => new Response("router saw " + server.requestIP(request).address) })';
  const server = Bun.spawn([
    ...["ip", "netns", "exec", name],
    ...[`${repository}/node_modules/.bin/bun`, "-e", script],
  ]);
  t.teardown(async () => {
    server.kill();
    await server.exited;
    run(`ip netns del ${name}`);
    run(`ip link del ${bridge}`);
  });
  until(
    () => Bun.spawnSync(["ip", "netns", "exec", name, "ss", "-Hltn", "sport", "=", "80"]).stdout.length > 0,
  );
}

/** What the guest gets of a page of the host's or the router's. */
async function fetchBy(host: string): Promise<string> {
  const url = `http://${address(0)}/connect?host=${encodeURIComponent(host)}&port=80&path=/`;
  let text = "";
  // The guest itself gives up after 10 s, and says so.
  for (let tries = 0; tries < 3 && !text.includes(" saw "); tries++) text = await (await ask(url)).text();
  return text;
}

function serveWorld(t: ExecutionContext): void {
  const server = Bun.serve({
    hostname: WORLD,
    port: 80,
    fetch: (request, self) => new Response(`world saw ${self.requestIP(request)?.address}`),
  });
  t.teardown(() => server.stop(true));
}

for (const [preferred, metrics] of [
  [0, [100, 200]],
  [1, [200, 100]],
] as const)
  test.serial(`of two default routes the one with the lower metric counts: card ${preferred}`, async (t) => {
    const lacking = startIn(
      t,
      metrics.map((metric, card) => `route add default via 10.213.${card}.1 dev eth${card} metric ${metric}`),
    );
    serveWorld(t);
    t.regex(await fetchBy(WORLD), new RegExp(`world saw (::ffff:)?${address(preferred)}`));
    t.deepEqual(lacking, []);
  });

test.serial("of a default route by two gateways the first is told", async (t) => {
  startIn(t, [
    "route add default nexthop via 10.213.1.1 dev eth1 weight 1 nexthop via 10.213.0.1 dev eth0 weight 1",
  ]);
  serveWorld(t);
  t.regex(await fetchBy(WORLD), new RegExp(`world saw (::ffff:)?${address(1)}`));
});

test.serial("what has a route of its own goes by that, and the rest by the default gateway", async (t) => {
  const lacking = startIn(t, [
    "route add default via 10.213.0.1",
    "route add 198.51.100.0/25 via 10.213.0.3",
    "route add 203.0.113.5/32 dev eth0",
    "addr add fd13::2/64 dev eth0 nodad",
    "route add default via fd13::1",
    "route add 2001:db8:5::/49 via fd13::3",
  ]);
  serveWorld(t);
  t.deepEqual(lacking, []);
  t.regex(await fetchBy("198.51.100.1"), new RegExp(`router saw (::ffff:)?${address(0)}`));
  t.regex(await fetchBy("203.0.113.5"), new RegExp(`router saw (::ffff:)?${address(0)}`));
  t.regex(await fetchBy("2001:db8:5::1"), /router saw fd13::2/);
  t.regex(await fetchBy(WORLD), new RegExp(`world saw (::ffff:)?${address(0)}`));
});

test.serial("a route that the guest can't have is named in the log", (t) => {
  const [line, ...more] = startIn(t, [
    "route add default via 10.213.0.1",
    "route add 198.51.100.0/24 via 10.213.1.1",
    "route add 198.18.0.0/15 via 10.213.0.3",
  ]);
  t.deepEqual(more, []);
  t.regex(
    line ?? "",
    /^Container \S+: its guest has no route 198\.51\.100\.0\/24 via 10\.213\.1\.1 dev eth1, as its/,
  );
});

test.serial("a guest is reached by several prefixes of IPv6 on one card", async (t) => {
  startIn(t, ["addr add fd13::2/64 dev eth0 nodad", "addr add fd14::2/64 dev eth0 nodad"]);
  for (const prefix of ["fd13", "fd14"]) {
    await fetchBy(address(0));
    t.is((await ask(`http://[${prefix}::2]/`)).status, 200);
  }
});
