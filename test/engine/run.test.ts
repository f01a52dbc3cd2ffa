import test from "ava";
import {
  endpoint,
  expectedBytes,
  getBytes,
  getFromNeighbour,
  guestConfig,
  httpGet,
  inspect,
  makeNetwork,
  runProbe,
  startProbe,
} from "./harness.ts";

test("a published port answers on 127.0.0.1", async (t) => {
  startProbe(t, { options: ["-p", "8080:80"] });
  t.regex(await httpGet("http://127.0.0.1:8080/"), /probe/);
});

test("the guest answers on the container's address, and to a runc container beside it", async (t) => {
  const name = startProbe(t);
  const { IPAddress } = endpoint(name);
  t.regex(await httpGet(`http://${IPAddress}/`), /probe/);
  t.regex(await getFromNeighbour("bridge", `http://${IPAddress}/`), /probe/);
});

test("a runc container finds the guest by its name on a user-defined network", async (t) => {
  const network = makeNetwork(t);
  const name = startProbe(t, { options: ["--network", network] });
  t.regex(await getFromNeighbour(network, `http://${name}/`), /probe/);
});

test("the guest has the addresses, the gateway, the MTU and the hostname that docker inspect shows", async (t) => {
  const name = startProbe(t);
  const { IPAddress, IPPrefixLen, Gateway, MacAddress } = endpoint(name);
  const guest = await guestConfig(IPAddress);
  const [nic] = guest.nics;
  t.is(guest.nics.length, 1);
  t.is(nic?.mac, MacAddress);
  t.is(nic?.mtu, 1500);
  t.true(nic?.addresses.includes(`${IPAddress}/${IPPrefixLen}`));
  t.true(guest.gateways.includes(Gateway));
  t.is(guest.hostname, inspect(name, "{{.Config.Hostname}}"));
});

test("--hostname, --ip and --mac-address reach the guest", async (t) => {
  const network = makeNetwork(t, "--subnet", "10.77.0.0/24");
  const options = ["--network", network, "--ip", "10.77.0.9", "--mac-address", "02:42:0a:4d:00:99"];
  startProbe(t, { options: ["--hostname", "web", ...options] });
  const guest = await guestConfig("10.77.0.9");
  t.is(guest.hostname, "web");
  t.is(guest.nics[0]?.mac, "02:42:0a:4d:00:99");
  t.true(guest.nics[0]?.addresses.includes("10.77.0.9/24"));
});

test("arguments with spaces and the environment reach the program as they are", async (t) => {
  const { code, stdout } = runProbe(["echo", "two words", "", "a,b=c;d", "naïve"]);
  t.is(code, 0);
  t.true(stdout.includes("arg[2]=<two words>\n"), stdout);
  t.true(stdout.includes("arg[3]=<>\n"));
  t.true(stdout.includes("arg[4]=<a,b=c;d>\n"));
  t.true(stdout.includes("arg[5]=<naïve>\n"));
  t.true(runProbe(["env"], ["-e", "GREETING=hello, world"]).stdout.includes("GREETING=hello, world\n"));
});

test("an argument that the guest's configuration cannot carry is refused in a line that the user sees", (t) => {
  const { code, stderr } = runProbe(["echo", 'say "hi"']);
  t.is(code, 125);
  t.regex(stderr, /argument/);
});

test("a body of 1 MiB arrives whole, from the container's address and through the published port", async (t) => {
  const name = startProbe(t, { options: ["-p", "8080:80"] });
  await httpGet("http://127.0.0.1:8080/");
  const expected = expectedBytes(1 << 20);
  for (const host of ["127.0.0.1:8080", endpoint(name).IPAddress])
    t.is(Buffer.compare(await getBytes(host, expected.length), expected), 0, host);
});

test("two guests on one network reach each other", async (t) => {
  const network = makeNetwork(t);
  const other = startProbe(t, { options: ["--network", network] });
  const name = startProbe(t, { options: ["--network", network] });
  await httpGet(`http://${endpoint(other, network).IPAddress}/`);
  const target = `host=${endpoint(other, network).IPAddress}&port=80&path=/config`;
  const answer = await httpGet(`http://${endpoint(name, network).IPAddress}/connect?${target}`);
  t.true(answer.includes(inspect(other, "{{.Config.Hostname}}")), answer);
});
