/** Answers that don't fit into one by UDP: a resolver asks for them again by TCP. */
import test, { type ExecutionContext } from "ava";
import {
  busyboxImage,
  docker,
  endpoint,
  gatewayOf,
  inspect,
  makeNetwork,
  startProbe,
  succeed,
  uniqueName,
} from "./harness.ts";
import { lookUps, lookUpsWhole } from "./look-ups.ts";
import { startNameServer } from "./name-server.ts";

const ALL = 50;

/** So many containers behind one name; a few are started at a time. */
async function startMany(t: ExecutionContext, network: string, alias: string): Promise<string[]> {
  const names = Array.from({ length: ALL }, () => uniqueName("many"));
  t.teardown(() => docker("rm", "-f", ...names));
  const waiting = names.values();
  const start = async (): Promise<void> => {
    for (const name of waiting) {
      const options = ["--name", name, "--network", network, "--network-alias", alias];
      const run = Bun.spawn(["docker", "run", "-d", ...options, busyboxImage(), "sleep", "600"], {
        stdout: "ignore",
      });
      if ((await run.exited) !== 0) throw new Error(`${name} did not start`);
    }
  };
  await Promise.all([start(), start(), start()]);
  return inspect(network, "{{range .Containers}}{{.Name}} {{.IPv4Address}}\n{{end}}")
    .split("\n")
    .filter((line) => names.includes(line.split(" ")[0] ?? ""))
    .map((line) => line.split(" ")[1]?.split("/")[0] ?? "");
}

test("all of many containers behind one name are found, by a thousand look-ups, twenty at a time, too", async (t) => {
  const network = makeNetwork(t);
  const guest = startProbe(t, { options: ["--network", network] });
  const { IPAddress: host } = endpoint(guest, network);
  const addresses = await startMany(t, network, "scaled-service");
  t.is(addresses.length, ALL);
  const once = await lookUps(host, "scaled-service", 1);
  t.like(once, { answered: 1, failed: 0, lost: 0 }, JSON.stringify(once));
  t.deepEqual(once.addresses.toSorted(), addresses.toSorted());
  const often = await lookUps(host, "scaled-service", 1000);
  t.like(often, { asked: 1000, answered: 1000, failed: 0, lost: 0 }, JSON.stringify(often));
  const printed = succeed(["docker", "exec", guest, "unikrun", "dns", "scaled-service"]).split("\n");
  t.deepEqual(printed.toSorted(), addresses.toSorted());
});

test("a long answer of a server outside is found", async (t) => {
  const network = makeNetwork(t);
  const server = gatewayOf(network);
  const long = Array.from({ length: 100 }, (_, i) => `192.0.2.${i + 1}`);
  await startNameServer(t, server, (name) => (name.endsWith("long.test") ? long.join(",") : "NXDOMAIN"));
  const guest = startProbe(t, { options: ["--network", network, "--dns", server] });
  const { IPAddress: host } = endpoint(guest, network);
  // A guest whose first look-ups are so many at once has no room for all before it knows where to send them.
  t.like(await lookUps(host, "www.long.test", 1), { answered: 1 });
  const found = await lookUpsWhole(host, "host{}.long.test", 100, ({ answered }) => answered === 100);
  t.like(found, { answered: 100, failed: 0, lost: 0 }, JSON.stringify(found));
  t.is(found.addresses.length, 100);
  const exec = Bun.spawn(["docker", "exec", guest, "unikrun", "dns", "www.long.test"], { stdout: "pipe" });
  const printed = (await new Response(exec.stdout).text()).trim().split("\n");
  t.deepEqual(printed.toSorted(), long.toSorted());
});
