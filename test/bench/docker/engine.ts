/** The engine of scripts/with-docker: its runtimes and its API. */
import { readFileSync, writeFileSync } from "node:fs";
import { eventually, succeed } from "../../engine/harness.ts";

/** Tells dockerd of runtimes, by name the path of their binary, beside those that it has. */
export async function registerRuntimes(runtimes: Readonly<Record<string, string>>): Promise<void> {
  const file = process.env.UNIKRUN_ENGINE_CONFIG;
  if (file === undefined) throw new Error("this part of the bench runs inside scripts/with-docker");
  const config = JSON.parse(readFileSync(file, "utf8"));
  for (const [name, path] of Object.entries(runtimes)) config.runtimes[name] = { path };
  writeFileSync(file, JSON.stringify(config));
  for (const pid of succeed(["pidof", "dockerd"]).split(" ")) process.kill(Number(pid), "SIGHUP");
  await eventually("dockerd's new runtimes", () => {
    const known = JSON.parse(succeed(["docker", "info", "-f", "{{json .Runtimes}}"]));
    return Object.keys(runtimes).every((name) => name in known) || undefined;
  });
}

/** Asks the engine's API, which answers in a millisecond where the client takes twenty. */
export async function askEngine<Answer>(path: string): Promise<Answer> {
  const response = await fetch(`http://docker${path}`, { unix: socketPath() });
  return (await response.json()) as Answer;
}

/** Waits for the engine's first event from now on that filters (as of `GET /events`) let through, and calls `ready` once it listens. */
export async function nextEvent(
  filters: Readonly<Record<string, readonly string[]>>,
  signal: AbortSignal,
  ready: () => void,
): Promise<void> {
  const stop = new AbortController();
  const query = encodeURIComponent(JSON.stringify(filters));
  const { body } = await fetch(`http://docker/events?filters=${query}`, {
    unix: socketPath(),
    signal: AbortSignal.any([signal, stop.signal]),
  });
  ready();
  await body?.getReader().read();
  stop.abort();
}

function socketPath(): string {
  return new URL(process.env.DOCKER_HOST ?? "unix:///run/docker.sock").pathname;
}
