/** Programs beside a guest, in its network namespace (docker run --network container:NAME). */
import test, { type ExecutionContext } from "ava";
import {
  command,
  endpoint,
  getFromNeighbour,
  httpGet,
  makeNetwork,
  startNeighbour,
  startProbe,
  succeed,
} from "./harness.ts";
import { startNameServer } from "./name-server.ts";

/** A guest that answers on port 80, and a way to run programs beside it. */
async function startShared(t: ExecutionContext, network = "bridge") {
  const name = startProbe(t, { options: ["--network", network] });
  const { IPAddress: address, GlobalIPv6Address: address6 } = endpoint(name, network);
  await httpGet(`http://${address}/`);
  const beside = `container:${name}`;
  const shell = startNeighbour(t, beside, "sleep 1000");
  const run = (...cmd: readonly string[]) => command(["docker", "exec", shell, "timeout", "60", ...cmd]);
  return {
    name,
    address,
    address6,
    beside,
    shell,
    run,
    get: (url: string) => run("wget", "-q", "-O", "-", url),
  };
}

const serve = (port: string): string =>
  `mkdir /w && echo of a neighbour > /w/index.html && exec httpd -f -h /w -p ${port}`;
const NEIGHBOUR = "of a neighbour\n";

test("programs reach the guest by localhost and by their address, whole and both ways", async (t) => {
  const { address, run, get } = await startShared(t);
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251);
  for (const host of ["127.0.0.1", address]) {
    t.regex(get(`http://${host}/`).stdout, /probe/);
    const { stdout } = run("sh", "-c", `wget -q -O - http://${host}/bytes?n=${bytes.length} | md5sum`);
    t.is(stdout.split(" ")[0], new Bun.CryptoHasher("md5").update(bytes).digest("hex"));
    t.regex(get(`http://${host}:81/`).stderr, /Connection refused/);
  }
  const request = `printf 'PUT /file?path=/missing/x HTTP/1.0\\r\\nContent-Length: ${bytes.length}\\r\\n\\r\\n'`;
  const put = `(${request}; head -c ${bytes.length} /dev/zero; sleep 1) | nc 127.0.0.1 80`;
  t.regex(run("sh", "-c", put).stdout, /^HTTP\/1\.[01] (404|403) /);
});

test("programs reach others and are reached where they listen, and the guest as before", async (t) => {
  const network = makeNetwork(t, "--ipv6", "--subnet", "fd00:77:1::/64");
  const { address, address6, beside, run, get } = await startShared(t, network);
  const other = startNeighbour(t, network, serve("8000"));
  t.is(await getFromNeighbour(beside, `http://${other}:8000/`), NEIGHBOUR);
  const far = endpoint(other, network);
  t.is(get(`http://[${far.GlobalIPv6Address}]:8000/`).stdout, NEIGHBOUR);
  t.is(run("ping", "-c", "1", far.IPAddress).code, 0);
  t.is(run("ping", "-6", "-c", "1", far.GlobalIPv6Address).code, 0);
  startNeighbour(t, beside, serve("9000"));
  t.is(await getFromNeighbour(beside, "http://127.0.0.1:9000/"), NEIGHBOUR);
  for (const host of [address, `[${address6}]`]) {
    t.is(await httpGet(`http://${host}:9000/`), NEIGHBOUR);
    t.regex(await httpGet(`http://${host}/`), /probe/);
    const asked = encodeURIComponent(host === address ? far.IPAddress : far.GlobalIPv6Address);
    t.regex(await httpGet(`http://${host}/connect?host=${asked}&port=8000&path=/`), /of a neighbour/);
  }
});

test("programs have answers by UDP", async (t) => {
  const { name, shell } = await startShared(t);
  const server = endpoint(name).Gateway;
  await startNameServer(t, server, (asked) => (asked === "far.test" ? "192.0.2.77" : "NXDOMAIN"));
  // The server is in this process, which must not wait for it.
  const cmd = ["docker", "exec", shell, "timeout", "10", "nslookup", "far.test", server];
  const { stdout } = Bun.spawn({ cmd, stdin: "ignore", stdout: "pipe" });
  t.regex(await stdout.text(), /192\.0\.2\.77/);
});

test("the guest reaches what listens on localhost beside it at an address of its own", async (t) => {
  const { address, beside } = await startShared(t);
  startNeighbour(t, beside, serve("127.0.0.1:9000"));
  startNeighbour(t, beside, serve("9001"));
  await getFromNeighbour(beside, "http://127.0.0.1:9000/");
  await getFromNeighbour(beside, "http://127.0.0.1:9001/");
  const ask = async (host: string, port: number): Promise<string> => {
    const url = `http://${address}/connect?host=${host}&port=${port}&path=/`;
    return (await fetch(url, { keepalive: false })).text();
  };
  t.regex(await ask("192.0.0.8", 9000), /of a neighbour/);
  t.regex(await ask("192.0.0.12", 9001), /of a neighbour/);
  t.notRegex(await ask("192.0.0.12", 9000), /of a neighbour/, "that is on localhost only");
  t.notRegex(await ask("192.0.0.8", 9002), /of a neighbour/);
});

test("programs have their network again when the guest has ended, and share it with the next", async (t) => {
  const holder = startNeighbour(t, "bridge", serve("9000"));
  const { IPAddress: address } = endpoint(holder);
  const run = (...cmd: readonly string[]) => command(["docker", "exec", holder, "timeout", "5", ...cmd]);
  const settings = () =>
    run("sh", "-c", "cat /proc/sys/net/ipv4/conf/lo/route_localnet; ls /sys/class/net").stdout;
  for (let round = 0; round < 2; round++) {
    const guest = startProbe(t, { options: ["--network", `container:${holder}`] });
    t.regex(await httpGet(`http://${address}/`), /probe/);
    t.is(await httpGet(`http://${address}:9000/`), NEIGHBOUR);
    t.regex(run("wget", "-q", "-O", "-", "http://127.0.0.1/").stdout, /probe/);
    succeed(["docker", "rm", "-f", guest]);
    t.regex(run("wget", "-q", "-O", "-", "http://127.0.0.1/").stderr, /Connection refused/);
    t.is(await httpGet(`http://${address}:9000/`), NEIGHBOUR);
    t.notRegex(settings(), /\buk/);
  }
});
