import test from "ava";
import {
  createProbe,
  endpoint,
  getFromNeighbour,
  guestConfig,
  httpGet,
  makeNetwork,
  runProbe,
  startProbe,
  succeed,
} from "./harness.ts";

test("a user-defined network's address, gateway and MTU are the guest's", async (t) => {
  const network = makeNetwork(t, "-o", "com.docker.network.driver.mtu=1400");
  const name = startProbe(t, { options: ["--network", network] });
  const { IPAddress, IPPrefixLen, Gateway, MacAddress } = endpoint(name, network);
  const guest = await guestConfig(IPAddress);
  t.is(guest.nics[0]?.mac, MacAddress);
  t.is(guest.nics[0]?.mtu, 1400);
  t.true(guest.nics[0]?.addresses.includes(`${IPAddress}/${IPPrefixLen}`));
  t.deepEqual(guest.gateways, [Gateway]);
});

test("a network with IPv6: the guest has that address and gateway, and answers on it", async (t) => {
  const network = makeNetwork(t, "--ipv6", "--subnet", "fd00:77::/64");
  const name = startProbe(t, { options: ["--network", network, "-p", "8082:80"] });
  const { IPAddress, GlobalIPv6Address, GlobalIPv6PrefixLen, IPv6Gateway } = endpoint(name, network);
  t.regex(await httpGet(`http://[${GlobalIPv6Address}]/`), /probe/);
  const guest = await guestConfig(IPAddress);
  t.true(guest.nics[0]?.addresses.includes(`${GlobalIPv6Address}/${GlobalIPv6PrefixLen}`));
  t.true(guest.gateways.includes(IPv6Gateway));
  t.regex(await getFromNeighbour(network, `http://[${GlobalIPv6Address}]/`), /probe/);
  t.regex(await httpGet("http://[::1]:8082/"), /probe/);
});

test("two networks, one attached by docker network connect before the start: two cards, both answer", async (t) => {
  const networks = [makeNetwork(t), makeNetwork(t)] as const;
  const name = createProbe(t, { options: ["--network", networks[0]] });
  succeed(["docker", "network", "connect", networks[1], name]);
  succeed(["docker", "start", name]);
  const endpoints = networks.map((network) => endpoint(name, network));
  for (const { IPAddress } of endpoints) t.regex(await httpGet(`http://${IPAddress}/`), /probe/);
  const { nics, gateways } = await guestConfig(String(endpoints[0]?.IPAddress));
  const byMac = (a: { mac: string }, b: { mac: string }): number => a.mac.localeCompare(b.mac);
  t.deepEqual(
    nics
      .map(({ mac, addresses }) => ({ mac, address: addresses.find((each) => each.includes(".")) }))
      .sort(byMac),
    endpoints
      .map(({ MacAddress, IPAddress, IPPrefixLen }) => ({
        mac: MacAddress,
        address: `${IPAddress}/${IPPrefixLen}`,
      }))
      .sort(byMac),
  );
  t.is(gateways.length, 1, "one default route");
  for (const [index, network] of networks.entries())
    t.regex(await getFromNeighbour(network, `http://${endpoints[index]?.IPAddress}/`), /probe/);
});

test("--network none gives a guest without a card", (t) => {
  t.is(runProbe(["return", "5"], ["--network", "none"]).code, 5);
});

test("--network host is no network of the guest's own, and the host's links stay as they are", (t) => {
  const links = (): string => succeed(["ip", "-o", "link"]).replace(/qlen \d+/g, "");
  const before = links();
  const { code, stderr } = runProbe(["return", "5"], ["--network", "host"]);
  t.true(code === 5 || /network/.test(stderr), `${code}: ${stderr}`);
  t.is(links(), before);
});
