/** Warm starts under Docker: what an engine makes anew for each container keeps none from going on from another. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import {
  docker,
  endpoint,
  eventually,
  guestConfig,
  httpGet,
  inspect,
  makeNetwork,
  probeImage,
  succeed,
  unikrun,
  uniqueName,
} from "./harness.ts";

/** An image whose guest may be kept once it listens on port 80. */
function warmImage(t: ExecutionContext): string {
  const name = uniqueName("warm");
  const folder = mkdtempSync(`${tmpdir()}/unikrun-image-`);
  writeFileSync(
    `${folder}/Dockerfile`,
    `FROM ${probeImage()}\nCOPY unikrun.json page /data/\nCOPY unikrun.json /\n`,
  );
  writeFileSync(`${folder}/unikrun.json`, JSON.stringify({ warm: 80 }));
  writeFileSync(`${folder}/page`, name);
  succeed(["docker", "build", "-q", "-t", name, folder]);
  rmSync(folder, { recursive: true });
  t.teardown(() => {
    docker("rmi", "-f", name);
    succeed([unikrun, "templates", "--remove"]);
  });
  return name;
}

const templates = (): string[] => succeed([unikrun, "templates"]).split("\n").filter(Boolean);

/** Those that keep a guest. */
const keepers = (): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("templates\0--keep");
    } catch {
      return false;
    }
  });

for (const place of ["the default network", "a network with names"])
  test.serial(`on ${place} later containers of an image go on from the first, as themselves`, async (t) => {
    const image = warmImage(t);
    const network = place === "the default network" ? "bridge" : makeNetwork(t);
    const start = (...options: readonly string[]) => {
      const name = uniqueName("warm");
      t.teardown(() => docker("rm", "-f", name));
      const run = ["docker", "run", "-d", "--runtime=unikrun", "--network", network, "--name", name];
      succeed([...run, ...options, image]);
      return name;
    };
    const isItself = async (name: string) => {
      const { IPAddress, IPPrefixLen, MacAddress, Gateway } = endpoint(name, network);
      const { hostname, nics, gateways } = await guestConfig(IPAddress);
      t.is(hostname, inspect(name, "{{.Config.Hostname}}"));
      t.is(nics[0]?.mac, MacAddress);
      t.is(nics[0]?.addresses[0], `${IPAddress}/${IPPrefixLen}`);
      t.deepEqual(gateways, [Gateway]);
      t.is(await httpGet(`http://${IPAddress}/file?path=/data/page`), image);
    };
    const hasBooted = (name: string) => docker("logs", name).stdout.includes("main()");
    const first = start();
    await isItself(first);
    await eventually("its log", () => hasBooted(first) || undefined);
    await eventually("the template", () => templates().length === 1 || undefined);
    const others = [start(), start()];
    for (const name of [first, ...others]) await isItself(name);
    t.deepEqual(others.map(hasBooted), [false, false]);
    const told = start("-e", "A=1");
    await isItself(told);
    await eventually("a boot, as it was told something else", () => hasBooted(told) || undefined);
    succeed(["docker", "rm", "-f", first, ...others, told]);
    await eventually("the end of those that keep guests", () => keepers().length === 0 || undefined);
  });
