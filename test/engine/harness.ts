/** What the engine tests share: docker's command line, images, waiting, and taking away what a test made. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import type { ExecutionContext } from "ava";

/** The repository's folder. */
export const repository = resolve(import.meta.dirname, "../..");

/** The engine's generation, as scripts/with-docker says it: "20" or "28"; "26" in the host of test/real-host. */
export const engine = environment("UNIKRUN_ENGINE");
/** The address of the engine's containerd, for ctr. */
export const containerd = environment("UNIKRUN_CONTAINERD");
/** The runtime that the engine has registered. */
export const unikrun = environment("UNIKRUN_BINARY");

function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error("engine tests run inside scripts/with-docker");
  return value;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function command(cmd: readonly string[], stdin: string | Buffer = ""): Outcome {
  const run = Bun.spawnSync({
    cmd: [...cmd],
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, DOCKER_BUILDKIT: "0" },
  });
  return { code: run.exitCode ?? -1, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}

/** Runs `docker ARGS`. */
export function docker(...args: readonly string[]): Outcome {
  return command(["docker", ...args]);
}

/** Runs a program that must succeed, and returns what it printed, trimmed. */
export function succeed(cmd: readonly string[], stdin: string | Buffer = ""): string {
  const { code, stdout, stderr } = command(cmd, stdin);
  if (code !== 0) throw new Error(`${cmd.join(" ")}: code ${code}: ${stderr.trim()}`);
  return stdout.trim();
}

let names = 0;

export function uniqueName(kind: string): string {
  return `${kind}-${process.pid}-${names++}`;
}

/** An image with the probe guest as its entrypoint, made at the first call. */
export function probeImage(): string {
  return image("probe", (folder) => {
    cpSync(`${repository}/build/guest/probe.bin`, `${folder}/probe.bin`);
    succeed([
      "docker",
      "build",
      "-q",
      "-t",
      "probe",
      "-f",
      `${repository}/examples/probe/Dockerfile`,
      folder,
    ]);
  });
}

/** An image with nothing but files of build/guest, by their places, the first its entrypoint, made at the first call. */
export function guestImage(name: string, files: Readonly<Record<string, string | Buffer>>): string {
  return image(name, (folder) => {
    const places = Object.keys(files);
    for (const [place, file] of Object.entries(files))
      if (typeof file === "string") cpSync(`${repository}/build/guest/${file}`, `${folder}${place}`);
      else writeFileSync(`${folder}${place}`, file);
    const entrypoint = JSON.stringify(places.slice(0, 1));
    succeed(["sh", "-c", `tar -C ${folder} -c . | docker import -c 'ENTRYPOINT ${entrypoint}' - ${name}`]);
  });
}

/** An image with the distribution's static busybox, made at the first call: there is no registry here. */
export function busyboxImage(): string {
  return image("busybox", (folder) => {
    mkdirSync(`${folder}/bin`);
    mkdirSync(`${folder}/tmp`);
    cpSync(succeed(["which", "busybox"]), `${folder}/bin/busybox`, { dereference: true });
    for (const applet of succeed(["busybox", "--list"]).split("\n"))
      if (applet !== "busybox") symlinkSync("busybox", `${folder}/bin/${applet}`);
    succeed(["sh", "-c", `tar -C ${folder} -c . | docker import -c 'CMD ["sh"]' - busybox`]);
  });
}

/** An image with the distribution's Nginx, PHP and MariaDB, imported at the first call. */
export function servicesImage(): string {
  return image("services", () => succeed(["docker", "import", environment("UNIKRUN_SERVICES"), "services"]));
}

function image(name: string, make: (folder: string) => unknown): string {
  if (docker("image", "inspect", name).code === 0) return name;
  const folder = mkdtempSync(`${tmpdir()}/unikrun-image-`);
  try {
    make(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return name;
}

export interface Container {
  /** The program's arguments, the probe's program first. */
  readonly args?: readonly string[];
  /** Options of `docker create`. */
  readonly options?: readonly string[];
}

/** Creates a container of the probe, which the test's end removes, and returns its name. */
export function createProbe(t: ExecutionContext, { args = ["http", "80"], options = [] }: Container): string {
  const name = uniqueName("probe");
  t.teardown(() => docker("rm", "-f", name));
  succeed(["docker", "create", "--runtime=unikrun", "--name", name, ...options, probeImage(), ...args]);
  return name;
}

/** The same, started. */
export function startProbe(t: ExecutionContext, container: Container = {}): string {
  const name = createProbe(t, container);
  succeed(["docker", "start", name]);
  return name;
}

/** Runs the probe to its end in the foreground, as `docker run --rm` does. */
export function runProbe(args: readonly string[], options: readonly string[] = []): Outcome {
  return docker("run", "--rm", "--runtime=unikrun", ...options, probeImage(), ...args);
}

/** Makes a network that the test's end removes; teardowns run last one first, so make it before its containers. */
export function makeNetwork(t: ExecutionContext, ...options: readonly string[]): string {
  const name = uniqueName("net");
  succeed(["docker", "network", "create", ...options, name]);
  t.teardown(() => docker("network", "rm", name));
  return name;
}

/** A netns with one configured end of a veth pair, as a CNI plugin leaves it: its path, and the address in it. */
export function makeNetns(
  t: ExecutionContext,
  family: 4 | 6 = 4,
): { readonly netns: string; readonly address: string } {
  const name = uniqueName("ns");
  const number = names;
  const end = `v${process.pid % 100_000}-${number}`;
  const [subnet, length, flags] =
    family === 4 ? [`10.88.${number % 256}.`, 24, ""] : [`fd00:88:${number.toString(16)}::`, 64, " nodad"];
  succeed(["ip", "netns", "add", name]);
  t.teardown(() => command(["ip", "netns", "del", name]));
  succeed(["ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name]);
  succeed(["ip", "link", "set", end, "up"]);
  succeed(["ip", ...`addr add ${subnet}1/${length} dev ${end}${flags}`.split(" ")]);
  const inside = [
    "link set lo up",
    `addr add ${subnet}2/${length} dev eth0${flags}`,
    "link set eth0 up",
    `route add default via ${subnet}1`,
  ];
  for (const args of inside) succeed(["ip", "-n", name, ...args.split(" ")]);
  return { netns: `/run/netns/${name}`, address: `${subnet}2` };
}

/** One value of `docker inspect`, by a Go template. */
export function inspect(name: string, template: string): string {
  return succeed(["docker", "inspect", "-f", template, name]);
}

/** The address of the host on a network of one subnet. */
export const gatewayOf = (network: string): string =>
  inspect(network, "{{range .IPAM.Config}}{{.Gateway}}{{end}}").split("/")[0] ?? "";

export interface Endpoint {
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly Gateway: string;
  readonly MacAddress: string;
  readonly GlobalIPv6Address: string;
  readonly GlobalIPv6PrefixLen: number;
  readonly IPv6Gateway: string;
}

/** What the engine says about a container on a network. */
export function endpoint(container: string, network = "bridge"): Endpoint {
  const networks: Record<string, Endpoint> = JSON.parse(
    inspect(container, "{{json .NetworkSettings.Networks}}"),
  );
  const found = networks[network];
  if (found === undefined) throw new Error(`${container} is not on ${network}`);
  return found;
}

/** The probe's /config. */
export interface GuestConfig {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly hostname: string;
  readonly nics: readonly {
    readonly mac: string;
    readonly mtu: number;
    readonly addresses: readonly string[];
  }[];
  readonly gateways: readonly string[];
  readonly disks: readonly {
    readonly dev: string;
    readonly bytes: number;
    readonly readonly: boolean;
    readonly fstype: string | null;
    readonly mountpoint: string | null;
  }[];
}

/** What the guest was told, once it answers under a host, which may be an address or a name with a port. */
export async function guestConfig(host: string): Promise<GuestConfig> {
  return JSON.parse(await httpGet(`http://${host}/config`));
}

/** Milliseconds for one try where the guest counts them: another would be one more. */
export const COUNTED = 30_000;

/** A request that ends the guest, which may be gone before it answers. */
export const askForEnd = (url: string): Promise<unknown> =>
  fetch(url, { keepalive: false }).catch(() => null);

/** Fetches a page, and tries again for a while: a guest answers a moment after its start. A try may take `milliseconds`. */
export function httpGet(url: string, milliseconds = 3000): Promise<string> {
  return eventually(url, async () => {
    const response = await request(url, milliseconds);
    return response.ok ? response.text() : undefined;
  });
}

/** Fetches the probe's /bytes of a guest that answers already, at the first try. */
export async function getBytes(host: string, count: number): Promise<Uint8Array> {
  const response = await request(`http://${host}/bytes?n=${count}`, 60_000);
  return new Uint8Array(await response.arrayBuffer());
}

/** What the probe's /bytes is to answer. */
export function expectedBytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => index % 251);
}

function request(url: string, milliseconds: number): Promise<Response> {
  return fetch(url, {
    signal: AbortSignal.timeout(milliseconds),
    headers: { connection: "close" },
    keepalive: false,
  });
}

/** Starts a runc container that the test's end removes, and returns its name. */
export function startNeighbour(t: ExecutionContext, network: string, shell: string): string {
  const name = uniqueName("neighbour");
  t.teardown(() => docker("rm", "-f", name));
  const create = ["docker", "run", "-d", "--name", name, "--network", network];
  succeed([...create, busyboxImage(), "sh", "-c", shell]);
  return name;
}

/** Fetches a page from inside a runc container on a network. */
export function getFromNeighbour(network: string, url: string): Promise<string> {
  return eventually(`${url} from ${network}`, () => {
    const wget = ["timeout", "3", "wget", "-q", "-O", "-", url];
    const { code, stdout } = docker("run", "--rm", "--network", network, busyboxImage(), ...wget);
    return code === 0 ? stdout : undefined;
  });
}

/** Waits until a function returns something, and returns that; what it throws counts as not yet. */
export async function eventually<Value>(
  what: string,
  attempt: () => Value | undefined | Promise<Value | undefined>,
  { timeout = 30_000, pause = 100 } = {},
): Promise<Value> {
  const deadline = Date.now() + timeout;
  let failure: unknown;
  do {
    try {
      const value = await attempt();
      if (value !== undefined) return value;
    } catch (error) {
      failure = error;
    }
    await Bun.sleep(pause);
  } while (Date.now() < deadline);
  throw new Error(`${what}: nothing within ${timeout} ms`, { cause: failure });
}

/** Waits for a container's end, and returns its exit code. */
export function waitForEnd(name: string): number {
  return Number(succeed(["docker", "wait", name]));
}
