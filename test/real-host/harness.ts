/**
 * What the tests in a whole host share. `scripts/test --only host`, or `scripts/with-host --outside COMMAND` for one
 * file, makes the machine: Debian 13 with systemd, cgroup v2, AppArmor, Docker and Podman, unikrun installed from its
 * package, and the image "probe". Tests run here, and say by inHost() what runs there, as root or as the ordinary user
 * alice. All files have one machine, one after another: a test takes back what it changes, by t.teardown(). The machine is
 * emulated, some ten times slower than this one, and so is KVM in it: a guest that ends badly there can take the machine
 * down, so tests of such ones say accelerator=tcg.
 */
import type { ExecutionContext } from "ava";

const config = process.env.UNIKRUN_HOST;
if (config === undefined) throw new Error("tests in a host run inside scripts/with-host --outside");
const ssh = ["ssh", "-F", config];

/** Guests on the emulated KVM now and then take the whole machine down, so it is used where somebody asks for it. */
export const usesKvm = process.env.UNIKRUN_HOST_KVM !== undefined;

export type User = "root" | "alice";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(cmd: readonly string[], stdin: string | Uint8Array = ""): Outcome {
  const { exitCode, stdout, stderr } = Bun.spawnSync({
    cmd: [...cmd],
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  return { code: exitCode ?? -1, stdout: stdout.toString(), stderr: stderr.toString() };
}

interface Options {
  readonly user?: User;
  readonly stdin?: string | Uint8Array;
}

/** Runs a line of shell in the host, as root or alice, to its end. 255 may be ssh's own. */
export function inHost(shell: string, { user = "root", stdin = "" }: Options = {}): Outcome {
  return run([...ssh, user === "root" ? "host" : user, shell], stdin);
}

/** Runs a line of shell in the host that must succeed, and returns what it printed, trimmed. */
export function succeed(shell: string, options: Options = {}): string {
  const { code, stdout, stderr } = inHost(shell, options);
  if (code !== 0) throw new Error(`${shell}: code ${code}: ${stderr.trim()} ${stdout.trim()}`);
  return stdout.trim();
}

/** One word of a line of shell. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Runs `docker ARGS` in the host. */
export function docker(...args: readonly string[]): Outcome {
  return inHost(`docker ${args.map(quote).join(" ")}`);
}

/** Has guests emulated, unless somebody asks for its KVM. */
export function keepToTcg(): void {
  const settings = "/etc/unikrun/config.json";
  succeed(
    usesKvm ? `rm -f ${settings}` : `mkdir -p /etc/unikrun && echo '{"accelerator":"tcg"}' > ${settings}`,
  );
}
keepToTcg();

let names = 0;

export function uniqueName(kind: string): string {
  return `${kind}-${process.pid}-${names++}`;
}

export interface Container {
  /** The probe's program with its arguments. */
  readonly args?: readonly string[];
  /** Options of `docker run`. */
  readonly options?: readonly string[];
}

/** Starts a container of the probe in the host's Docker, which the test's end removes, and returns its name. */
export function startProbe(
  t: ExecutionContext,
  { args = ["http", "80"], options = [] }: Container = {},
): string {
  const name = uniqueName("probe");
  t.teardown(() => docker("rm", "-f", "-v", name));
  const { code, stderr } = docker(
    "run",
    "-d",
    "--runtime=unikrun",
    "--name",
    name,
    ...options,
    "probe",
    ...args,
  );
  if (code !== 0) throw new Error(`docker run: code ${code}: ${stderr}`);
  return name;
}

/** Runs the probe to its end in the foreground. */
export function runProbe(args: readonly string[], options: readonly string[] = []): Outcome {
  return docker("run", "--rm", "--runtime=unikrun", ...options, "probe", ...args);
}

/** One value of `docker inspect`, by a Go template. */
export function inspect(name: string, template: string): string {
  const { code, stdout, stderr } = docker("inspect", "-f", template, name);
  if (code !== 0) throw new Error(`docker inspect: code ${code}: ${stderr}`);
  return stdout.trim();
}

/** The repository in the host, once inRepository() was called; what is written there is the host's alone. */
const REPOSITORY = "/mnt/repository";

/** Runs a line of shell, which may take minutes, in the repository as the host sees it, with bun among its programs. */
export async function inRepository(shell: string): Promise<Outcome> {
  succeed(`mountpoint -q ${REPOSITORY} || {
    mkdir -p /mnt/shared /run/repository/upper /run/repository/work ${REPOSITORY} &&
    mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=1048576,cache=loose repository /mnt/shared &&
    mount -t overlay -o lowerdir=/mnt/shared,upperdir=/run/repository/upper,workdir=/run/repository/work \\
      overlay ${REPOSITORY} &&
    cp /mnt/shared/node_modules/bun/bin/bun.exe /usr/local/bin/bun
  }`);
  const call = Bun.spawn({
    cmd: [...ssh, "host", `cd ${REPOSITORY} && ${shell}`],
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(call.stdout).text(),
    new Response(call.stderr).text(),
  ]);
  return { code: await call.exited, stdout, stderr };
}

/** Reboots the host, and waits until all that its boot starts is started. */
export async function reboot(): Promise<void> {
  const boot = succeed("cat /proc/sys/kernel/random/boot_id");
  inHost("systemctl reboot");
  for (const name of ["host", "alice"]) run([...ssh, "-O", "exit", name]);
  await eventually(
    "the reboot",
    () => {
      const { code, stdout } = inHost("cat /proc/sys/kernel/random/boot_id");
      return code === 0 && stdout.trim() !== boot ? true : undefined;
    },
    10 * 60_000,
  );
  inHost("systemctl is-system-running --wait");
}

/** Fetches a page in the host, and tries again for a while: a guest answers a moment after its start. */
export function httpGet(url: string): Promise<string> {
  return eventually(url, () => {
    const { code, stdout } = inHost(`curl -sSf -m 20 ${quote(url)}`);
    return code === 0 ? stdout : undefined;
  });
}

/** Waits until a function returns something, and returns that; what it throws counts as not yet. */
export async function eventually<Value>(
  what: string,
  attempt: () => Value | undefined | Promise<Value | undefined>,
  timeout = 120_000,
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
    await Bun.sleep(200);
  } while (Date.now() < deadline);
  throw new Error(`${what}: nothing within ${timeout} ms`, { cause: failure });
}
