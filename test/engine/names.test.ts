import test, { type ExecutionContext } from "ava";
import {
  busyboxImage,
  docker,
  endpoint,
  engine,
  eventually,
  gatewayOf,
  guestConfig,
  httpGet,
  makeNetwork,
  startNeighbour,
  startProbe,
  succeed,
  uniqueName,
} from "./harness.ts";
import { lookUps, lookUpsWhole } from "./look-ups.ts";
import { startNameServer } from "./name-server.ts";

/** What the guest's own look-up says: an address, or why there is none. */
async function lookUp(host: string, name: string): Promise<string> {
  const response = await fetch(`http://${host}/dns?name=${encodeURIComponent(name)}`, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(20_000),
  });
  return (await response.text()).trim();
}

async function addressOf(name: string, network: string): Promise<string> {
  const { IPAddress } = endpoint(name, network);
  await httpGet(`http://${IPAddress}/`);
  return IPAddress;
}

test("containers, aliases, links, the guest itself and added hosts are found by name", async (t) => {
  const network = makeNetwork(t);
  const other = startNeighbour(t, network, "sleep 600");
  const third = startNeighbour(t, network, "sleep 600");
  const guest = startProbe(t, {
    options: [
      ...["--network", network, "--network-alias", "alias-of-guest", "--link", `${third}:linked`],
      ...["--add-host", "added:192.0.2.7", "--hostname", "named-guest"],
    ],
  });
  const host = await addressOf(guest, network);
  t.is(await lookUp(host, other), endpoint(other, network).IPAddress);
  t.is(await lookUp(host, "linked"), endpoint(third, network).IPAddress);
  t.is(await lookUp(host, guest), host);
  t.is(await lookUp(host, "alias-of-guest"), host);
  t.is(await lookUp(host, "added"), "192.0.2.7");
  t.is(await lookUp(host, "named-guest"), host);
  t.is((await guestConfig(host)).hostname, "named-guest");
  for (const name of [guest, "alias-of-guest"])
    t.regex(succeed(["docker", "exec", other, "nslookup", name]), new RegExp(`Address: ${host}`), name);
});

test("/etc is what a container would see, but for the resolver's address", async (t) => {
  const network = makeNetwork(t);
  const options = ["--network", network, "--dns-search", "example.test", "--dns-option", "ndots:2"];
  const guest = startProbe(t, { options: [...options, "--hostname", "seen"] });
  const host = await addressOf(guest, network);
  const file = (name: string) => httpGet(`http://${host}/file?path=/etc/${name}`);
  const resolvConf = await file("resolv.conf");
  t.regex(resolvConf, /^nameserver 169\.254\.53\.53$/m);
  t.regex(resolvConf, /^search example\.test$/m);
  t.regex(resolvConf, /^options .*ndots:2/m);
  t.notRegex(resolvConf, /^nameserver 127/m);
  t.is((await file("hostname")).trim(), "seen");
  t.regex(await file("hosts"), new RegExp(`^${host}\\s+seen$`, "m"));
});

test("outside names come from the servers that --dns names, and a missing one is missing at once", async (t) => {
  const network = makeNetwork(t);
  const server = gatewayOf(network);
  const { asked } = await startNameServer(t, server, (name) =>
    name.endsWith("up.test") ? "192.0.2.9" : name.startsWith("silent") ? "silence" : "NXDOMAIN",
  );
  const host = await addressOf(startProbe(t, { options: ["--network", network, "--dns", server] }), network);
  t.is(await lookUp(host, "www.up.test"), "192.0.2.9");
  t.true((asked.get("www.up.test") ?? 0) > 0);
  t.regex(await lookUp(host, "missing.test"), /NXDOMAIN/);
  t.true((asked.get("missing.test") ?? 0) > 0);
});

test("a server that never answers is a failure, not silence", async (t) => {
  const network = makeNetwork(t);
  const server = gatewayOf(network);
  await startNameServer(t, server, () => "silence");
  const host = await addressOf(startProbe(t, { options: ["--network", network, "--dns", server] }), network);
  t.regex(await lookUp(host, "silent.test"), /SERVFAIL/);
});

test("names are found on a network without a gateway", async (t) => {
  const network = makeNetwork(t, "--internal");
  const other = startNeighbour(t, network, "sleep 600");
  const guest = startProbe(t, { options: ["--network", network] });
  const { IPAddress: host } = endpoint(guest, network);
  // The host has an address on the bridge of such a network, too.
  await httpGet(`http://${host}/`);
  t.is(await lookUp(host, other), endpoint(other, network).IPAddress);
  // Docker 20 gives such a network a gateway all the same.
  if (engine !== "20") t.deepEqual((await guestConfig(host)).gateways, []);
});

test("a name server on the last address of a network without a gateway is the guest's, too", async (t) => {
  const network = makeNetwork(t, "--internal", "--subnet", "10.89.53.0/24");
  const last = "10.89.53.254";
  const name = uniqueName("neighbour");
  t.teardown(() => docker("rm", "-f", name));
  const options = ["-d", "--name", name, "--network", network, "--ip", last, busyboxImage()];
  const shell = "echo seen >/tmp/index.html; httpd -p 53 -h /tmp; exec httpd -f -p 80 -h /tmp";
  succeed(["docker", "run", ...options, "sh", "-c", shell]);
  const { IPAddress: host } = endpoint(startProbe(t, { options: ["--network", network] }), network);
  await httpGet(`http://${host}/`);
  t.is(await lookUp(host, name), last);
  for (const port of [53, 80])
    t.regex(await httpGet(`http://${host}/connect?host=${last}&port=${port}`), /^seen$/m, `${port}`);
});

// Docker 20 has no such networks.
const onlyIpv6 = engine === "20" ? test.skip : test;

for (const kind of [[], ["--internal"]])
  onlyIpv6(`names are found on a network of IPv6 only ${kind.join()}`, async (t) => {
    const network = makeNetwork(t, "--ipv6", "--ipv4=false", ...kind);
    const other = startNeighbour(t, network, "sleep 600");
    const server = gatewayOf(network);
    // Too long for one by UDP.
    const addresses = Array.from({ length: 100 }, (_, i) => `192.0.2.${i + 1}`);
    await startNameServer(t, server, (name) => (name === "long.test" ? addresses.join(",") : "NXDOMAIN"));
    const guest = startProbe(t, { options: ["--network", network, "--dns", server] });
    const host = `[${endpoint(guest, network).GlobalIPv6Address}]`;
    await httpGet(`http://${host}/`);
    t.is(await lookUp(host, other), endpoint(other, network).GlobalIPv6Address);
    t.regex(await lookUp(host, "missing.test"), /NXDOMAIN/);
    const long = JSON.parse(await httpGet(`http://${host}/lookups?name=long.test`));
    t.is(long.addresses.length, addresses.length, JSON.stringify(long));
  });

test("on the default bridge the guest asks the servers of --dns itself", async (t) => {
  const [server = ""] = /[\d.]+(?=\/)/.exec(succeed(["ip", "-4", "-br", "addr", "show", "docker0"])) ?? [];
  await startNameServer(t, server, (name) => (name === "direct.test" ? "192.0.2.10" : "NXDOMAIN"));
  const host = await addressOf(startProbe(t, { options: ["--dns", server] }), "bridge");
  t.is(await lookUp(host, "direct.test"), "192.0.2.10");
});

test("a container that came later, and one that got another address, are found", async (t) => {
  const network = makeNetwork(t);
  const host = await addressOf(startProbe(t, { options: ["--network", network] }), network);
  const later = startNeighbour(t, network, "sleep 600");
  t.is(await lookUp(host, later), endpoint(later, network).IPAddress);
  const before = endpoint(later, network).IPAddress;
  docker("stop", "-t", "0", later);
  startNeighbour(t, network, "sleep 600");
  succeed(["docker", "start", later]);
  const after = endpoint(later, network).IPAddress;
  t.not(after, before);
  await eventually("the new address", async () => ((await lookUp(host, later)) === after ? true : undefined));
  t.pass();
});

test("names are found after a restart", async (t: ExecutionContext) => {
  const network = makeNetwork(t);
  const other = startNeighbour(t, network, "sleep 600");
  const guest = startProbe(t, { options: ["--network", network] });
  await addressOf(guest, network);
  succeed(["docker", "restart", "-t", "1", guest]);
  t.is(await lookUp(await addressOf(guest, network), other), endpoint(other, network).IPAddress);
});

test("a thousand names in a row, twenty at a time, are all answered", async (t) => {
  const network = makeNetwork(t);
  const server = gatewayOf(network);
  const { asked } = await startNameServer(t, server, (name) =>
    name.endsWith("up.test") ? "192.0.2.9" : "NXDOMAIN",
  );
  const other = startNeighbour(t, network, "sleep 600");
  const host = await addressOf(startProbe(t, { options: ["--network", network, "--dns", server] }), network);
  const own = await lookUps(host, other, 1000);
  t.like(own, { asked: 1000, answered: 1000, failed: 0, lost: 0 }, JSON.stringify(own));
  t.deepEqual(own.addresses, [endpoint(other, network).IPAddress]);
  const outside = await lookUpsWhole(host, "host{}.up.test", 1000, ({ answered }) => answered === 1000);
  t.like(outside, { answered: 1000, failed: 0, addresses: ["192.0.2.9"] }, JSON.stringify(outside));
  t.true(asked.size >= 1000);
  const missing = await lookUpsWhole(
    host,
    "host{}.missing.test",
    1000,
    ({ rcodes }) => rcodes.NXDOMAIN === 1000,
  );
  t.is(missing.rcodes.NXDOMAIN, 1000, JSON.stringify(missing));
});
