/** Networks on which everybody is behind the gateway, as Calico, clouds and the CNI plugin ptp make them. */
import test, { type ExecutionContext } from "ava";
import { makeBench, placeInNetwork } from "../conformance/harness.ts";
import { command, httpGet, succeed, uniqueName } from "./harness.ts";
import { mustEnd } from "./table/answers.ts";

const GATEWAYS = { 4: "169.254.1.1", 6: "fe80::1" } as const;
const GATEWAY_MAC = "ee:ee:ee:ee:ee:ee";

/**
 * How a pod finds its gateway: it answers ARP for all that it has routes to (Calico), or the pod has it as a permanent neighbour (AWS).
 */
type Finding = "by asking" | "as permanent neighbours" | "not at all";

interface Pod {
  /** "10.70.0.1/32" and one of IPv6. */
  readonly addresses: readonly [string, string];
  readonly finds: Finding;
}

const bare = (address: string): string => address.replace(/\/.*/, "");
const ip = (line: string) => succeed(["ip", ...line.split(" ")]);

/** A guest in a network namespace that such a plugin made, and what its start came to. */
function startRouted(t: ExecutionContext, { addresses, finds }: Pod) {
  const name = uniqueName("ns");
  const [own4, own6] = addresses.map(bare) as [string, string];
  const end = `r${own4.replaceAll(".", "-")}`;
  ip(`netns add ${name}`);
  t.teardown(() => command(["ip", "netns", "del", name]));
  ip(`link add ${end} address ${GATEWAY_MAC} type veth peer name eth0 netns ${name}`);
  ip(`addr add ${GATEWAYS[6]}/64 dev ${end} nodad`);
  ip(`link set ${end} up`);
  for (const own of [own4, own6]) ip(`route add ${own} dev ${end}`);
  succeed(["sh", "-c", `echo ${Number(finds === "by asking")} > /proc/sys/net/ipv4/conf/${end}/proxy_arp`]);
  const settings = [
    "link set lo up",
    "link set eth0 up",
    ...addresses.map((address) => `addr add ${address} dev eth0${address.includes(":") ? " nodad" : ""}`),
    `route add ${GATEWAYS[4]} dev eth0 scope link`,
  ];
  for (const gateway of Object.values(GATEWAYS)) {
    settings.push(`route add default via ${gateway} dev eth0`);
    if (finds === "as permanent neighbours")
      settings.push(`neigh add ${gateway} lladdr ${GATEWAY_MAC} dev eth0 nud permanent`);
  }
  for (const setting of settings) ip(`-n ${name} ${setting}`);
  const bench = makeBench(["http", "80"]);
  t.teardown(() => bench[Symbol.dispose]());
  placeInNetwork(bench, `/run/netns/${name}`);
  mustEnd(bench.call("create"), 0);
  return { bench, outcome: bench.call("start", bench.id) };
}

const WORLD = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;

test.before(() => {
  for (const tool of ["iptables", "ip6tables"]) succeed([tool, "-w", "-P", "FORWARD", "ACCEPT"]);
  succeed(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"]);
  ip("link add outside type bridge");
  ip("link set outside up");
  ip(`addr add ${WORLD[4]}/24 dev outside`);
  ip(`addr add ${WORLD[6]}/64 dev outside nodad`);
  // A gateway answers for what it has a route to.
  ip("route replace default dev outside");
});
test.after.always(() => command(["ip", "link", "del", "outside"]));

const page = (host: string, path = "/") =>
  httpGet(`http://${host.includes(":") ? `[${host}]` : host}${path}`);
const from = (host: string, to: string, port: number | undefined = 80) =>
  page(host, `/connect?host=${encodeURIComponent(to)}&port=${port}&path=/`);

async function reachesWorld(t: ExecutionContext, host: string, family: 4 | 6): Promise<void> {
  const hostname = family === 4 ? WORLD[4] : `[${WORLD[6]}]`;
  const server = Bun.serve({ hostname, port: 0, fetch: () => new Response("of the world") });
  t.regex(await from(host, WORLD[family], server.port), /of the world/);
  server.stop(true);
}

for (const [network, finds] of [
  [70, "by asking"],
  [71, "as permanent neighbours"],
] as const)
  test.serial(`guests with addresses alone (/32, /128), who find their gateways ${finds}`, async (t) => {
    const pods = [1, 2, 254].map((host) => [`10.${network}.0.${host}`, `fd00:${network}::${host}`] as const);
    for (const [own4, own6] of pods) {
      const { bench, outcome } = startRouted(t, { addresses: [`${own4}/32`, `${own6}/128`], finds });
      mustEnd(outcome, 0);
      const tool = ["exec", bench.id, "unikrun", "http", "--timeout", "10", "/"];
      t.regex(mustEnd(bench.call(...tool), 0), /probe/);
    }
    for (const family of [4, 6] as const) {
      const [one = "", two = "", last = ""] = pods.map((pod) => pod[family === 4 ? 0 : 1]);
      for (const address of [one, two, last]) t.regex(await page(address), /probe/);
      for (const [asker, asked] of [
        [one, two],
        [two, one],
        [one, last],
        [last, one],
      ] as const)
        t.regex(await from(asker, asked), /probe/);
      await reachesWorld(t, one, family);
    }
  });

test.serial("a subnet on the link whose gateways are outside it", async (t) => {
  const addresses = ["10.73.0.2/24", "fd00:73::2/64"] as const;
  mustEnd(startRouted(t, { addresses, finds: "as permanent neighbours" }).outcome, 0);
  for (const family of [4, 6] as const) {
    const own = bare(addresses[family === 4 ? 0 : 1]);
    t.regex(await page(own), /probe/);
    await reachesWorld(t, own, family);
  }
});

test.serial("a gateway that does not answer is told", (t) => {
  const addresses = ["10.72.0.1/32", "fd00:72::1/128"] as const;
  const { code, stderr } = startRouted(t, { addresses, finds: "not at all" }).outcome;
  t.is(code, 1);
  t.regex(
    stderr,
    /the gateway 169\.254\.1\.1 of its interface eth0 does not answer, and its guest could not find it either/,
  );
});
