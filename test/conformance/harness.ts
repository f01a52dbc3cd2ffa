/** Runs dist/unikrun on bundles, as an engine would, and looks at what is left afterwards. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import type { ExecutionContext } from "ava";
import { becomeSubreaper } from "../../native/process.ts";
import { reap, reapAll } from "../bench/reap.ts";
import { pids, readIfThere } from "../proc.ts";

export const repository = resolve(import.meta.dirname, "../..");
export const unikrun = `${repository}/dist/unikrun`;
export const probe = `${repository}/build/guest/probe.bin`;

becomeSubreaper();

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of --log. */
  readonly log: readonly { readonly level: string; readonly msg: string; readonly time: string }[];
}

/** Waits until something is so; throws where it is not in 20 s. */
export function until(isSo: () => boolean): void {
  const deadline = performance.now() + 20_000;
  for (; !isSo(); Bun.sleepSync(5)) {
    if (performance.now() > deadline) throw new Error(`not so within 20 s: ${isSo}`);
  }
}

/** A bundle with the probe guest in it, and a --root of its own. */
export interface Bench extends Disposable {
  readonly folder: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly root: string;
  readonly id: string;
  /** Rewrites config.json. */
  configure(change: (config: Config) => void): void;
  call(...args: string[]): Outcome;
  /** What the container printed so far. */
  output(): string;
  /** Waits for the container's init, our child since create, and returns its exit code. */
  wait(): number;
  pid(): number;
}

/** config.json as a test sees it: it may put anything anywhere. */
export type Config = ReturnType<typeof defaultConfig> & Record<string, unknown>;

let count = 0;

export function makeBench(
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  runtime = unikrun,
): Bench {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-test-`);
  const bundle = `${folder}/bundle`;
  const rootfs = `${bundle}/rootfs`;
  mkdirSync(rootfs, { recursive: true });
  copyFileSync(probe, `${rootfs}/probe.bin`);
  for (const [name, text] of Object.entries(files)) writeFileSync(`${rootfs}/${name}`, text);
  const id = `test-${process.pid}-${count++}`;
  const config = defaultConfig(id, args);
  const write = (): void => writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
  write();
  const root = `${folder}/root`;
  const pidFile = `${folder}/pid`;
  const output = `${folder}/output`;
  const call = (...given: string[]): Outcome => {
    const log = `${folder}/log.json`;
    // The container keeps create's stdout.
    const isCreate = given[0] === "create";
    const [stdout, stderr] = isCreate
      ? [output, `${output}.errors`]
      : [`${folder}/answer`, `${folder}/errors`];
    for (const file of [log, stdout, stderr]) rmSync(file, { force: true });
    const verb = isCreate
      ? ["create", "--bundle", bundle, "--pid-file", pidFile, ...given.slice(1), id]
      : given;
    const run = Bun.spawnSync({
      cmd: [runtime, "--root", root, "--log", log, "--log-format", "json", ...verb],
      stdin: "ignore",
      stdout: Bun.file(stdout),
      stderr: Bun.file(stderr),
    });
    const lines = readIfThere(log).trim().split("\n").filter(Boolean);
    const outcome: Outcome = {
      code: run.exitCode,
      stdout: readIfThere(stdout),
      stderr: readIfThere(stderr),
      log: lines.map((line) => JSON.parse(line)),
    };
    // An option that this QEMU is about to lose, say.
    const warning = outcome.log.find(({ msg }) => msg.includes("QEMU says"));
    if (warning) throw new Error(warning.msg);
    return outcome;
  };
  const pid = (): number => Number(readFileSync(pidFile, "utf8"));
  return {
    folder,
    bundle,
    rootfs,
    root,
    id,
    call,
    pid,
    configure(change) {
      change(config);
      write();
    },
    output: () => readFileSync(output, "utf8"),
    wait: () => reap(pid()),
    [Symbol.dispose]() {
      call("delete", "--force", id);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Types a line on the guest's console, and returns what comes back. */
export const typeLine = ({ root, id }: Bench, line: string): string =>
  Bun.spawnSync([unikrun, "--root", root, "exec", id, "unikrun", "console"], {
    stdin: Buffer.from(`${line}\n`),
  }).stdout.toString();

/** Creates and starts what has to come up. */
export function start(t: ExecutionContext, bench: Bench): void {
  for (const call of [["create"], ["start", bench.id]]) {
    const { code, log } = bench.call(...call);
    t.is(code, 0, log.at(-1)?.msg);
  }
}

interface Namespace {
  type: string;
  path?: string;
}

function defaultConfig(id: string, args: readonly string[]) {
  const namespaces: Namespace[] = ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type }));
  const resources: { memory?: { limit: number } } = {};
  return {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["/probe.bin", ...args], env: ["PATH=/bin"], cwd: "/" },
    root: { path: "rootfs" },
    hostname: "tested",
    linux: {
      cgroupsPath: `/unikrun-test/${id}`,
      namespaces,
      resources,
    },
  };
}

/** Everything on the host that has the container's name on it, or was made for it, and is still there 20 s after its end. */
export function leftovers(bench: Bench): string[] {
  for (let attempt = 0; ; attempt++) {
    // What has ended stays visible until its parent, which we are now, takes leave of it.
    reapAll();
    const found = findLeftovers(bench);
    if (found.length === 0 || attempt === 400) return found;
    Bun.sleepSync(50);
  }
}

function findLeftovers(bench: Bench): string[] {
  const found: string[] = [];
  if (existsSync(`${bench.root}/${bench.id}`)) found.push(`${bench.root}/${bench.id}`);
  for (const hierarchy of readdirSync("/sys/fs/cgroup")) {
    const folder = `/sys/fs/cgroup/${hierarchy}/unikrun-test/${bench.id}`;
    if (existsSync(folder)) found.push(folder);
  }
  for (const pid of pids()) {
    const command = readIfThere(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    if (command.includes(bench.id) || readIfThere(`/proc/${pid}/cgroup`).includes(bench.id))
      found.push(`pid ${pid}: ${command}`);
  }
  if (readFileSync("/proc/self/mountinfo", "utf8").includes(bench.folder)) found.push("a mount");
  if (/\buk[0-9a-f]{10}-\d/.test(readFileSync("/proc/net/dev", "utf8"))) found.push("a tap");
  return found;
}

/** Has the bench's container join a network namespace in place of one of its own. */
export function placeInNetwork({ configure }: Pick<Bench, "configure">, path: string): void {
  configure(({ linux }) => {
    linux.namespaces = linux.namespaces.map((each) =>
      each.type === "network" ? { type: "network", path } : each,
    );
  });
}
