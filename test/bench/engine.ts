/** The engine of scripts/with-docker: its runtimes, the images that are measured, its API. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import { docker, eventually, succeed } from "../engine/harness.ts";

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

/** An image with the distribution's static busybox as a web server that has one page. */
export function httpdImage(): string {
  return build("bench-httpd", (folder) => {
    mkdirSync(`${folder}/www`);
    cpSync(succeed(["which", "busybox"]), `${folder}/busybox`, { dereference: true });
    writeFileSync(`${folder}/www/index.html`, "It works.\n");
    writeFileSync(
      `${folder}/Dockerfile`,
      'FROM scratch\nCOPY . /\nENTRYPOINT ["/busybox"]\nCMD ["httpd", "-f", "-p", "80", "-h", "/www"]\n',
    );
  });
}

/** The image of a kernel: of its file alone, or of a folder that has a Dockerfile. */
export function kernelImage(path: string): string {
  if (statSync(path).isDirectory()) {
    succeed(["docker", "build", "-q", "-t", "bench-kernel", path]);
    return "bench-kernel";
  }
  return build("bench-kernel", (folder) => {
    const name = basename(path);
    cpSync(path, `${folder}/${name}`);
    const copy = JSON.stringify([name, "/kernel.bin"]);
    writeFileSync(`${folder}/Dockerfile`, `FROM scratch\nCOPY ${copy}\nENTRYPOINT ["/kernel.bin"]\n`);
  });
}

function build(name: string, fill: (folder: string) => void): string {
  if (docker("image", "inspect", name).code === 0) return name;
  const folder = mkdtempSync(`${tmpdir()}/unikrun-image-`);
  try {
    fill(folder);
    succeed(["docker", "build", "-q", "-t", name, folder]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return name;
}
