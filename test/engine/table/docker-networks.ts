/** Networks and settings of Docker's containers. */
import type { ExecutionContext } from "ava";
import {
  createProbe,
  docker,
  endpoint,
  engine,
  eventually,
  httpGet,
  makeNetwork,
  runProbe,
  startNeighbour,
  succeed,
} from "../harness.ts";
import { remapEngine } from "../remap.ts";
import { anonymous, type Column, must, mustEnd, Refused, refused } from "./answers.ts";

export async function askNetworks(column: Column, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  const networks = [makeNetwork(t, "--ipv6", "--subnet", "fd00:79::/64"), makeNetwork(t)] as const;
  const name = createProbe(t, { options: ["--network", networks[0]] });
  await row("names on the engine's network", async () => {
    const neighbour = startNeighbour(t, networks[0], "sleep 1000");
    succeed(["docker", "start", name]);
    const host = endpoint(name, networks[0]).IPAddress;
    const answer = await httpGet(`http://${host}/dns?name=${neighbour}`, 15_000);
    must(answer.trim() === endpoint(neighbour, networks[0]).IPAddress, answer);
  });
  await row("IPv6", () => httpGet(`http://[${endpoint(name, networks[0]).GlobalIPv6Address}]/`));
  await row("network connected while it runs", async () => {
    succeed(["docker", "network", "connect", networks[1], name]);
    const words = await eventually(
      "words in the log",
      () => /^unikrun: (.*connected.*)$/m.exec(docker("logs", name).stderr)?.[1],
    );
    return new Refused(anonymous(words));
  });
  await row("several networks", async () => {
    succeed(["docker", "restart", name]);
    for (const network of networks) await httpGet(`http://${endpoint(name, network).IPAddress}/`);
  });
  await row("no network", () => mustEnd(runProbe(["return", "0"], ["--network", "none"]), 0));
  await row("the host's network", () => refused(runProbe(["return", "0"], ["--network", "host"])));
}

export async function askSettings(column: Column): Promise<void> {
  const row = column.row.bind(column);
  const runs = (...options: readonly string[]) => mustEnd(runProbe(["return", "5"], options), 5);
  await row("an init of the engine's", () => runs("--init"));
  await row("privileged", () => runs("--privileged"));
  await row("user and read-only root", () => runs("--user", "1000:1000", "--read-only"));
  await row("seccomp, capabilities, no new privileges", () =>
    runs("--cap-drop", "ALL", "--cap-add", "NET_RAW", "--security-opt", "no-new-privileges"),
  );
}

/** Before all else, since dockerd is started anew for it, and takes its time where containers run. */
export async function askUsers(column: Column): Promise<void> {
  if (engine === "26") {
    column.notApplicable("Docker has them for the whole daemon (userns-remap) only", "user namespace");
    return;
  }
  await column.row("user namespace", async () => {
    await using _remapped = await remapEngine();
    mustEnd(runProbe(["return", "5"]), 5);
  });
}
