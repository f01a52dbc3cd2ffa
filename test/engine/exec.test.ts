/** docker exec of unikrun's own commands, and what Docker does with them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import {
  command,
  docker,
  endpoint,
  engine,
  eventually,
  httpGet,
  inspect,
  makeNetwork,
  probeImage,
  startNeighbour,
  startProbe,
  succeed,
} from "./harness.ts";
import { startNameServer } from "./name-server.ts";
import { onTerminal } from "./table/answers.ts";

const exec = (name: string, ...args: readonly string[]) => docker("exec", name, "unikrun", ...args);

for (const [kind, options] of [
  ["the default bridge", null],
  ["a user-defined network", []],
  ["an internal network", ["--internal"]],
] as const) {
  test(`http, tcp and ping reach the guest on ${kind}`, async (t) => {
    const network = options ? makeNetwork(t, ...options) : "bridge";
    const name = startProbe(t, { options: ["--network", network] });
    await eventually("the server", () => exec(name, "tcp", "80").code === 0 || undefined);
    const page = exec(name, "http", "/config");
    t.is(page.code, 0, page.stderr);
    t.is(JSON.parse(page.stdout).hostname, inspect(name, "{{.Config.Hostname}}"));
    const missing = exec(name, "http", "/nothing");
    t.is(missing.code, 1);
    t.regex(missing.stderr, /GET http:\/\/localhost:80\/nothing: status 404/);
    const closed = exec(name, "tcp", "81");
    t.is(closed.code, 1);
    t.regex(closed.stderr, /port 81: the guest has no server there \(connection refused\)/);
    t.regex(succeed(["docker", "exec", name, "unikrun", "ping", "-c", "2"]), /seq=2 time=/);
    t.regex(await httpGet(`http://${endpoint(name, network).IPAddress}/`), /probe/);
  });
}

test("a large answer is whole, and one that does not come ends in time", async (t) => {
  const name = startProbe(t);
  await httpGet(`http://${endpoint(name).IPAddress}/`);
  const big = Bun.spawnSync(["docker", "exec", name, "unikrun", "http", "/bytes?n=1000000"]);
  t.is(big.stdout.length, 1_000_000);
  t.true(big.stdout.every((byte, at) => byte === at % 251));
  const silent = startProbe(t, { args: ["sleep", "1000"] });
  await eventually("a running guest", () => inspect(silent, "{{.State.Running}}") === "true" || undefined);
  const { code, stderr } = exec(silent, "http", "--timeout", "0.7", "/");
  t.is(code, 1);
  t.regex(stderr, /the guest (did not answer in time|has no server there)/);
});

test("a guest keeps no connection of a check, and one that it leaves open is no wait", async (t) => {
  const name = startProbe(t);
  const url = `http://${endpoint(name).IPAddress}`;
  await httpGet(`${url}/`);
  for (const command of [
    ["tcp", "80"],
    ["http", "/"],
    ["http", "/keep"],
    ["tcp", "80"],
  ])
    t.is(exec(name, ...command).code, 0, command.join(" "));
  t.is(await httpGet(`${url}/connections`), "1\n");
  const kept = exec(name, "http", "--timeout", "60", "/keep");
  t.is(kept.stdout, "kept\n", kept.stderr);
});

test("what answers and speaks no HTTP is not healthy", async (t) => {
  const name = startProbe(t, { args: ["tcp", "7"] });
  await eventually("the server", () => exec(name, "tcp", "7").code === 0 || undefined);
  const { code, stdout, stderr } = exec(name, "http", ":7/");
  t.is(code, 1);
  t.is(stdout, "");
  t.is(stderr.trim(), "unikrun: GET http://localhost:7/: what the guest answered is no HTTP");
});

test("by IPv6 too: where a URL says so, and where the guest has nothing else", async (t) => {
  const both = startProbe(t, {
    options: ["--network", makeNetwork(t, "--ipv6", "--subnet", "fd00:7e57:1::/64")],
  });
  await eventually("the server", () => exec(both, "tcp", "80").code === 0 || undefined);
  t.regex(exec(both, "http", "http://[::1]/").stdout, /probe/);
  if (engine === "20") return;
  const network = makeNetwork(t, "--ipv6", "--ipv4=false", "--subnet", "fd00:7e57:2::/64");
  const name = startProbe(t, { options: ["--network", network] });
  await eventually("the server", () => exec(name, "tcp", "80").code === 0 || undefined);
  t.regex(exec(name, "http", "/").stdout, /probe/);
  const { GlobalIPv6Address } = endpoint(name, network);
  t.regex(exec(name, "ping").stdout, new RegExp(`^64 bytes from ${GlobalIPv6Address}: seq=1 `));
  t.regex(exec(name, "tcp", "81").stderr, /connection refused/);
});

/** Without keeping a name server in this process from answering. */
async function execMeanwhile(name: string, ...args: readonly string[]) {
  const run = Bun.spawn(["docker", "exec", name, "unikrun", ...args], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  return { code, stdout, stderr };
}

test("dns asks name servers outside in turn, and hears their answers beside the guest", async (t) => {
  const [server = ""] = /[\d.]+(?=\/)/.exec(succeed(["ip", "-4", "-br", "addr", "show", "docker0"])) ?? [];
  await startNameServer(t, server, (name) => (name === "there.test" ? "192.0.2.7" : "NXDOMAIN"));
  const name = startProbe(t, { options: ["--dns", server] });
  const url = `http://${endpoint(name).IPAddress}`;
  await httpGet(`${url}/`);
  for (let attempt = 0; attempt < 3; attempt++)
    t.is((await execMeanwhile(name, "dns", "there.test")).stdout, "192.0.2.7\n");
  const missing = await execMeanwhile(name, "dns", "gone.test");
  t.is(missing.code, 1);
  t.is(
    missing.stderr.trim(),
    `unikrun: gone.test: there is no such name (NXDOMAIN), says the name server ${server}`,
  );
  t.is((await httpGet(`${url}/dns?name=there.test`)).trim(), "192.0.2.7");
  const second = startProbe(t, { options: ["--dns", "192.0.2.1", "--dns", server] });
  await httpGet(`http://${endpoint(second).IPAddress}/`);
  t.is((await execMeanwhile(second, "dns", "there.test")).stdout, "192.0.2.7\n");
});

test("dns asks what the guest asks", (t) => {
  const network = makeNetwork(t);
  const neighbour = startNeighbour(t, network, "sleep 1000");
  const name = startProbe(t, { options: ["--network", network] });
  const { code, stdout, stderr } = exec(name, "dns", neighbour);
  t.is(code, 0, stderr);
  t.is(stdout.trim(), endpoint(neighbour, network).IPAddress);
  const other = exec(name, "dns", "--type", "AAAA", neighbour);
  t.is(other.code, 1);
  t.regex(other.stderr, /has no AAAA address/);
});

test("console: what is typed reaches the guest and its answer comes back, with a terminal and without", async (t) => {
  const name = startProbe(t, { args: ["cat"] });
  await eventually("the program", () => docker("logs", name).stdout.includes("main()") || undefined);
  const piped = command(["docker", "exec", "-i", name, "unikrun", "console"], "piped\n");
  t.is(piped.code, 0, piped.stderr);
  t.regex(piped.stdout, /^piped\r?$/m);
  const { code, shown } = await onTerminal(
    `sh -c 'echo ready; exec docker exec -it ${name} unikrun console'`,
    [
      [/ready/, "typed\r"],
      [/typed\r*\n[\s\S]*typed\r*\n/, "quit\r"],
    ],
  );
  t.is(code, 1, "the machine ended");
  t.regex(shown, /or the machine has ended/);
  const isLogged = () => /^piped\r?\ntyped\r?$/m.test(docker("logs", name).stdout) || undefined;
  await eventually("its log", isLogged);
  t.is(inspect(name, "{{.State.ExitCode}}"), "0");
});

test("twenty at a time are answered, and leave nothing", async (t) => {
  const name = startProbe(t);
  await httpGet(`http://${endpoint(name).IPAddress}/`);
  const links = () => succeed(["nsenter", "-t", inspect(name, "{{.State.Pid}}"), "-n", "ip", "-br", "link"]);
  const before = links();
  const calls = Array.from({ length: 20 }, () =>
    Bun.spawn(["docker", "exec", name, "unikrun", "http", "/"], { stdout: "ignore", stderr: "ignore" }),
  );
  t.deepEqual(await Promise.all(calls.map(({ exited }) => exited)), Array(20).fill(0));
  await eventually("the visitors' end", () => links() === before || undefined);
  t.is(succeed(["docker", "top", name]).split("\n").length, 3);
  t.regex(await httpGet(`http://${endpoint(name).IPAddress}/`), /probe/);
});

test("a command that is killed, and a guest that is stopped under one, leave nothing", async (t) => {
  const name = startProbe(t);
  await httpGet(`http://${endpoint(name).IPAddress}/`);
  const pid = inspect(name, "{{.State.Pid}}");
  const links = () => succeed(["nsenter", "-t", pid, "-n", "ip", "-br", "link"]);
  const tools = () => command(["pgrep", "-f", "^unikrun-init exec"]).stdout.split("\n").filter(Boolean);
  const before = links();
  const ping = () =>
    Bun.spawn(["docker", "exec", name, "unikrun", "ping", "-c", "9999"], {
      stdout: "pipe",
      stderr: "ignore",
    });
  const first = ping();
  await first.stdout.getReader().read();
  t.not(links(), before);
  command(["kill", "-KILL", ...tools()]);
  t.is(await first.exited, 137);
  await eventually("the end of its tap", () => links() === before || undefined);
  t.is(exec(name, "http", "/").code, 0);
  const second = ping();
  await second.stdout.getReader().read();
  succeed(["docker", "stop", name]);
  t.not(await second.exited, 0);
  await eventually("the end of its processes", () => tools().length === 0 || undefined);
  succeed(["docker", "start", name]);
  await httpGet(`http://${endpoint(name).IPAddress}/`);
  t.is(exec(name, "http", "/").code, 0);
});

test("a health check becomes healthy, and unhealthy when the guest fails, in exec and in shell form", async (t) => {
  for (const form of [
    '["CMD", "unikrun", "http", "/file?path=/tmp/well"]',
    "unikrun http /file?path=/tmp/well || exit 1",
    '["CMD", "curl", "-f", "http://localhost/file?path=/tmp/well"]',
    "wget -q --spider http://localhost/file?path=/tmp/well || exit 1",
  ]) {
    const folder = mkdtempSync(`${tmpdir()}/unikrun-health-`);
    t.teardown(() => rmSync(folder, { recursive: true }));
    const line = form.startsWith("[") ? form.replace('["CMD", ', "CMD [") : `CMD ${form}`;
    writeFileSync(
      `${folder}/Dockerfile`,
      `FROM ${probeImage()}\nHEALTHCHECK --interval=300ms --retries=2 ${line}\n`,
    );
    const image = succeed(["docker", "build", "-q", folder]);
    const name = `healthy-${process.pid}`;
    t.teardown(() => docker("rm", "-f", name));
    succeed(["docker", "run", "-d", "--name", name, "--runtime=unikrun", image, "http", "80"]);
    const url = `http://${endpoint(name).IPAddress}`;
    await httpGet(`${url}/`);
    const becomes = (health: string) =>
      eventually(health, () => inspect(name, "{{.State.Health.Status}}") === health || undefined);
    await becomes("unhealthy");
    t.regex(inspect(name, "{{json .State.Health.Log}}"), /status 404/);
    const options = { method: "PUT", body: "well", keepalive: false };
    t.true((await fetch(`${url}/file?path=/tmp/well`, options)).ok);
    await becomes("healthy");
    docker("rm", "-f", name);
  }
});

test("checks written for curl, wget and nc have those programs' exit codes and output", async (t) => {
  const hosts = ["--add-host", "web.test:127.0.0.1", "--add-host", "db.test:192.0.2.1"];
  const name = startProbe(t, { options: ["--network", makeNetwork(t), "--hostname", "shop", ...hosts] });
  await eventually("the server", () => exec(name, "tcp", "80").code === 0 || undefined);
  const told = (...args: readonly string[]) => {
    const { code, stdout, stderr } = docker("exec", name, ...args);
    return [code, stdout, stderr.replace(/^unikrun: /, "").trim()];
  };
  const shell = (text: string) => told("/bin/sh", "-c", text);
  const missing = (method = "GET") => `${method} http://localhost:80/no: status 404`;
  const refused = (url: string) => `GET ${url}: the guest has no server there (connection refused)`;
  t.deepEqual(told("curl", "-fsS", "http://localhost/connections"), [0, "1\n", ""]);
  t.deepEqual(told("curl", "-f", "http://localhost/no"), [22, "", missing()]);
  t.deepEqual(told("curl", "-fI", "http://localhost/no").toSpliced(1, 1), [22, missing("HEAD")]);
  t.regex(String(told("curl", "-I", "http://localhost/")[1]), /^HTTP\/1\.\d 200 .*\r\n\r\n$/s);
  t.regex(String(told("curl", "-s", "http://localhost/no")[1]), /^.+\n$/);
  t.deepEqual(shell("curl -s -o /dev/null -w '%{http_code}\\n' localhost/no"), [0, "404\n", ""]);
  t.deepEqual(shell("curl -s -w '%{http_code}' localhost:81"), [7, "000", refused("http://localhost:81/")]);
  t.deepEqual(shell("curl -f http://localhost:81/ >/dev/null 2>&1 || exit 1"), [1, "", ""]);
  t.deepEqual(shell("wget -q -O - http://127.0.0.1/connections"), [0, "1\n", ""]);
  t.deepEqual(shell("wget -qO- http://localhost/no"), [8, "", missing()]);
  t.deepEqual(shell("wget -q --spider http://localhost/ || exit 1"), [0, "", ""]);
  t.deepEqual(shell("wget -q --spider http://localhost/no || exit 1"), [1, "", missing()]);
  t.is(told("wget", "-q", "--spider", "localhost:81")[0], 4);
  t.deepEqual(told("nc", "-z", "localhost", "80"), [0, "", ""]);
  t.deepEqual(told("nc", "-zv", "0.0.0.0", "80"), [0, "", "port 80 is open"]);
  t.is(told("nc", "-z", "localhost", "81")[0], 1);
  const [network = ""] = Object.keys(JSON.parse(inspect(name, "{{json .NetworkSettings.Networks}}")));
  for (const host of ["shop", "web.test", endpoint(name, network).IPAddress])
    t.deepEqual(told("curl", "-f", `http://${host}/connections`), [0, "1\n", ""]);
  for (const host of ["192.0.2.1", "db.test"]) {
    const { code, stdout, stderr } = docker("exec", name, "curl", "-f", `http://${host}/`);
    t.is(code, engine === "20" ? 126 : 127);
    t.regex(stdout + stderr, new RegExp(`nobody but the guest itself, so not \\\\?"${host}`));
  }
});

test("a check that is not answered in its time, and an answer that is no HTTP, have a code of their own", async (t) => {
  const slow = startProbe(t, { options: ["--dns", "192.0.2.1"] });
  await eventually("the server", () => exec(slow, "tcp", "80").code === 0 || undefined);
  const url = "http://localhost/dns?name=gone.test";
  t.is(docker("exec", slow, "curl", "-fsS", "-m", "0.5", url).code, 28);
  t.is(docker("exec", slow, "wget", "-q", "-T", "0.5", "--spider", url).code, 4);
  const other = startProbe(t, { args: ["tcp", "7"] });
  await eventually("the server", () => exec(other, "tcp", "7").code === 0 || undefined);
  t.is(docker("exec", other, "curl", "-s", "localhost:7").code, 1);
});

test("docker run --health-cmd with a check for curl", async (t) => {
  const check = "curl -fs http://localhost/ >/dev/null || exit 1";
  const name = startProbe(t, { options: ["--health-cmd", check, "--health-interval", "300ms"] });
  const health = () => inspect(name, "{{.State.Health.Status}}");
  await eventually("health", () => health() === "healthy" || undefined);
  t.is(health(), "healthy");
});

test("Compose starts a service when the guests that it depends on are healthy, whose checks are for curl and wget", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-compose-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = `${folder}/compose.yml`;
  writeFileSync(
    file,
    `version: "2.4"
services:
  first:
    image: ${probeImage()}
    runtime: unikrun
    healthcheck: { test: ["CMD", "curl", "-f", "http://localhost/"], interval: 1s, retries: 20 }
  second:
    image: ${probeImage()}
    runtime: unikrun
    healthcheck: { test: wget -q --spider http://localhost/ || exit 1, interval: 1s, retries: 20 }
    depends_on: { first: { condition: service_healthy } }
  third:
    image: ${probeImage()}
    runtime: unikrun
    depends_on: { second: { condition: service_healthy } }
`,
  );
  const project = `health${process.pid}`;
  const compose =
    command(["docker", "compose", "version"]).code === 0 ? ["docker", "compose"] : ["docker-compose"];
  const call = (...args: readonly string[]) => command([...compose, "-p", project, "-f", file, ...args]);
  t.teardown(() => call("down", "-t", "1"));
  const up = call("up", "-d");
  t.is(up.code, 0, up.stderr);
  for (const service of ["first", "second"])
    t.is(inspect(call("ps", "-q", service).stdout.trim(), "{{.State.Health.Status}}"), "healthy");
  t.is(call("ps", "-q").stdout.trim().split("\n").length, 3);
});
