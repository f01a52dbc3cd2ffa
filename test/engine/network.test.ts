import test from "ava";
import {
  busyboxImage,
  createProbe,
  docker,
  endpoint,
  engine,
  eventually,
  expectedBytes,
  gatewayOf,
  getBytes,
  getFromNeighbour,
  guestConfig,
  httpGet,
  makeNetwork,
  runProbe,
  startNeighbour,
  startProbe,
  succeed,
} from "./harness.ts";

test("a user-defined network's address, gateway and MTU are the guest's, and large answers fit it", async (t) => {
  const network = makeNetwork(t, "-o", "com.docker.network.driver.mtu=1400");
  const name = startProbe(t, { options: ["--network", network] });
  const { IPAddress, IPPrefixLen, Gateway, MacAddress } = endpoint(name, network);
  const guest = await guestConfig(IPAddress);
  t.is(guest.nics[0]?.mac, MacAddress);
  t.is(guest.nics[0]?.mtu, 1400);
  t.true(guest.nics[0]?.addresses.includes(`${IPAddress}/${IPPrefixLen}`));
  t.deepEqual(guest.gateways, [Gateway]);
  const expected = expectedBytes(100_000);
  t.is(Buffer.compare(await getBytes(IPAddress, expected.length), expected), 0);
});

test("the guest connects to a runc container, on its network's address and on IPv6", async (t) => {
  const network = makeNetwork(t, "--ipv6", "--subnet", "fd00:78::/64");
  const serve = "echo from runc >/tmp/index.html; exec httpd -f -p 8000 -h /tmp";
  const { IPAddress, GlobalIPv6Address } = endpoint(startNeighbour(t, network, serve), network);
  const guest = endpoint(startProbe(t, { options: ["--network", network] }), network);
  for (const host of [IPAddress, GlobalIPv6Address]) {
    const target = `host=${host}&port=8000&path=/`;
    t.regex(await httpGet(`http://${guest.IPAddress}/connect?${target}`), /from runc/, host);
  }
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

test("of two networks the one with the higher gw-priority has the guest's gateway, whichever came first", async (t) => {
  if (engine === "20") return void t.pass("networks have no gw-priority before Docker 28");
  for (const preferred of [0, 1]) {
    const networks = [makeNetwork(t), makeNetwork(t)];
    const options = networks.flatMap((network, place) => [
      "--network",
      `name=${network},gw-priority=${Number(place === preferred)}`,
    ]);
    const name = startProbe(t, { options });
    const [first, other] = networks.map((network) => endpoint(name, network));
    const { gateways } = await guestConfig(String(first?.IPAddress));
    t.deepEqual(gateways, [gatewayOf(String(networks[preferred]))]);
    // The host answers from that network's address to whoever came by it.
    const own = preferred === 0 ? first : other;
    const seen = Bun.serve({
      hostname: "0.0.0.0",
      port: 0,
      fetch: (request, server) => new Response(`saw ${server.requestIP(request)?.address}`),
    });
    t.teardown(() => seen.stop(true));
    const host = gatewayOf("bridge");
    const page = await httpGet(
      `http://${first?.IPAddress}/connect?host=${host}&port=${seen.port}&path=/`,
      12_000,
    );
    t.true(page.includes(`saw ${own?.IPAddress}`), page);
  }
});

test("--network none gives a guest without a card", (t) => {
  t.is(runProbe(["return", "5"], ["--network", "none"]).code, 5);
  const args = ["sleep", "1000"];
  const status = (name: string): string => succeed(["docker", "exec", name, "unikrun", "status"]);
  t.regex(status(startProbe(t, { args })), /^eth0 /m);
  const alone = startProbe(t, { args, options: ["--network", "none"] });
  t.regex(status(alone), /^memory /m);
  t.notRegex(status(alone), /^eth/m);
});

test("--network host is refused in a line that says why, and the host's links stay as they are", (t) => {
  // A bridge's carrier and the other ends of containers that have just ended come and go by themselves.
  const links = (): string[] =>
    succeed(["ip", "-o", "link"])
      .split("\n")
      .filter((line) => !/^\d+: veth/.test(line))
      .map((line) => line.replace(/<[^>]*>|state \S+|qdisc \S+|qlen \d+/g, ""));
  const before = links();
  const { code, stderr } = runProbe(["return", "5"], ["--network", "host"]);
  t.is(code, 125);
  t.regex(stderr, /a unikernel can't share the host's network/);
  t.deepEqual(links(), before);
});

test("the network of a running unikernel is refused to a second one, and the first goes on", async (t) => {
  const name = startProbe(t);
  const { IPAddress } = endpoint(name);
  await httpGet(`http://${IPAddress}/`);
  const { code, stderr } = runProbe(["return", "5"], ["--network", `container:${name}`]);
  t.is(code, 125);
  t.regex(stderr, /the interface eth0 .* already in use/);
  t.regex(await httpGet(`http://${IPAddress}/`), /probe/);
});

test("a runc container in the network of a running unikernel starts, and the unikernel goes on", async (t) => {
  const name = startProbe(t);
  const { IPAddress } = endpoint(name);
  await httpGet(`http://${IPAddress}/`);
  t.is(docker("run", "--rm", "--network", `container:${name}`, busyboxImage(), "true").code, 0);
  t.regex(await httpGet(`http://${IPAddress}/`), /probe/);
});

test("a network that a running guest is connected to or disconnected from: its log says what that means", async (t) => {
  const [first, second] = [makeNetwork(t), makeNetwork(t)];
  const name = startProbe(t, { options: ["--network", first] });
  await httpGet(`http://${endpoint(name, first).IPAddress}/`);
  const logs = (word: RegExp) =>
    eventually(`${word} in the log`, () => docker("logs", name).stderr.match(word) ?? undefined);
  succeed(["docker", "network", "connect", second, name]);
  await logs(/^unikrun: the interface eth1 was connected, .* restart its container to use it$/m);
  t.regex(await httpGet(`http://${endpoint(name, first).IPAddress}/`), /probe/);
  succeed(["docker", "network", "disconnect", first, name]);
  await logs(
    /^unikrun: the interface eth0 was disconnected: the guest's network card .* is without a network/m,
  );
  t.is(docker("logs", name).stderr.match(/^unikrun: /gm)?.length, 2, "each once");
  succeed(["docker", "restart", name]);
  t.regex(await httpGet(`http://${endpoint(name, second).IPAddress}/`), /probe/);
  t.is((await guestConfig(endpoint(name, second).IPAddress)).nics.length, 1);
});
