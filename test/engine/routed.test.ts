/** Networks on which everybody is behind the gateway, as Calico, clouds and the CNI plugin ptp make them. */
import test, { type ExecutionContext } from "ava";
import { makeBench } from "../conformance/harness.ts";
import { command, httpGet, succeed, uniqueName } from "./harness.ts";
import { mustEnd } from "./table/answers.ts";

const GATEWAY = "169.254.1.1";
const GATEWAY_MAC = "ee:ee:ee:ee:ee:ee";

/**
 * How a pod finds its gateway: it answers ARP for all that it has routes to (Calico), or the pod has it as a permanent neighbour (AWS).
 */
type Finding = "by ARP" | "as a permanent neighbour" | "not at all";

/** A guest at an address of its own in a network namespace that such a plugin made; returns what its start came to. */
function startRouted(t: ExecutionContext, address: string, finds: Finding) {
  const name = uniqueName("ns");
  const end = `r${address.replaceAll(".", "-")}`;
  const ip = (line: string) => succeed(["ip", ...line.split(" ")]);
  ip(`netns add ${name}`);
  t.teardown(() => command(["ip", "netns", "del", name]));
  ip(`link add ${end} address ${GATEWAY_MAC} type veth peer name eth0 netns ${name}`);
  ip(`link set ${end} up`);
  ip(`route add ${address}/32 dev ${end}`);
  succeed(["sh", "-c", `echo ${Number(finds === "by ARP")} > /proc/sys/net/ipv4/conf/${end}/proxy_arp`]);
  const settings = [
    "link set lo up",
    "link set eth0 up",
    `addr add ${address}/32 dev eth0`,
    `route add ${GATEWAY} dev eth0 scope link`,
    `route add default via ${GATEWAY} dev eth0`,
    ...(finds === "as a permanent neighbour"
      ? [`neigh add ${GATEWAY} lladdr ${GATEWAY_MAC} dev eth0 nud permanent`]
      : []),
  ];
  for (const setting of settings) ip(`-n ${name} ${setting}`);
  const bench = makeBench(["http", "80"]);
  t.teardown(() => bench[Symbol.dispose]());
  bench.configure(({ linux }) => {
    const placed = { type: "network", path: `/run/netns/${name}` };
    linux.namespaces = linux.namespaces.map((each) => (each.type === "network" ? placed : each));
  });
  mustEnd(bench.call("create"), 0);
  return bench.call("start", bench.id);
}

test.before(() => {
  // dockerd, which is here too, has all dropped that passes through and is not its own.
  succeed(["iptables", "-w", "-P", "FORWARD", "ACCEPT"]);
  // The way out that the gateway answers for.
  succeed(["ip", "link", "add", "outside", "type", "bridge"]);
  succeed(["ip", "link", "set", "outside", "up"]);
  succeed(["ip", "addr", "add", "192.0.2.1/24", "dev", "outside"]);
  command(["ip", "route", "add", "default", "dev", "outside"]);
});
test.after.always(() => command(["ip", "link", "del", "outside"]));

for (const [network, finds] of [
  [70, "by ARP"],
  [71, "as a permanent neighbour"],
] as const)
  test.serial(`guests with addresses of their own (/32), who find their gateway ${finds}`, async (t) => {
    const [one, two, last] = [1, 2, 254].map((host) => `10.${network}.0.${host}`) as [string, string, string];
    for (const address of [one, two, last]) mustEnd(startRouted(t, address, finds), 0);
    for (const address of [one, two, last]) t.regex(await httpGet(`http://${address}/`), /probe/);
    for (const [from, to] of [
      [one, two],
      [two, one],
      [one, last],
      [last, one],
    ])
      t.regex(await httpGet(`http://${from}/connect?host=${to}&port=80&path=/`), /probe/);
    const server = Bun.serve({ hostname: "192.0.2.1", port: 0, fetch: () => new Response("of the world") });
    t.teardown(() => server.stop(true));
    const world = `/connect?host=192.0.2.1&port=${server.port}&path=/`;
    t.regex(await httpGet(`http://${one}${world}`), /of the world/);
  });

test.serial("a gateway that does not answer is told", (t) => {
  const { code, stderr } = startRouted(t, "10.72.0.1", "not at all");
  t.is(code, 1);
  t.regex(
    stderr,
    /the gateway 169\.254\.1\.1 of its interface eth0 does not answer, and everybody is behind it/,
  );
});
