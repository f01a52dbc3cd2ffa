/** Podman beside the engine, in the same namespaces, with storage of its own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ExecutionContext } from "ava";
import { type Outcome, repository, succeed, unikrun, uniqueName } from "./harness.ts";

export interface Podman extends Disposable {
  /** Of the probe; /busybox is in it too. */
  readonly image: string;
  call(...args: readonly string[]): Outcome;
  feed(stdin: string, ...args: readonly string[]): Outcome;
  /** A call that must succeed; what it printed, trimmed. */
  ask(...args: readonly string[]): string;
  /** The probe, run to its end with one argument. */
  run(program: string, argument?: string, ...options: readonly string[]): Outcome;
  /** A web server that the test's end removes. */
  start(t: ExecutionContext, ...options: readonly string[]): string;
  address(name: string, network?: string): string;
  /** The same call as a line for a shell. */
  shell(...args: readonly string[]): string;
}

/** `idsOf`: the account whose subordinate ids --userns=auto takes. */
export function preparePodman({ idsOf }: { idsOf?: string } = {}): Podman {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-podman-`);
  const storage = `${folder}/storage.conf`;
  const image = "localhost/probe";
  const { DOCKER_CONFIG: _, ...environment } = process.env;
  const env = { ...environment, CONTAINERS_STORAGE_CONF: storage };
  const command = (args: readonly string[]): string[] => [
    "podman",
    "--runtime",
    unikrun,
    "--cgroup-manager",
    "cgroupfs",
    ...args,
  ];
  const feed = (stdin: string, ...args: readonly string[]): Outcome => {
    const cmd = command(args);
    const run = Bun.spawnSync({ cmd, stdin: Buffer.from(stdin), stdout: "pipe", stderr: "pipe", env });
    return { code: run.exitCode ?? -1, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
  };
  const call = (...args: readonly string[]): Outcome => feed("", ...args);
  const ask = (...args: readonly string[]): string => {
    const { code, stdout, stderr } = call(...args);
    if (code !== 0) throw new Error(`podman ${args.join(" ")}: code ${code}: ${stderr.trim()}`);
    return stdout.trim();
  };
  writeFileSync(
    storage,
    `[storage]\ndriver = "vfs"\nrunroot = "/run/podman-storage"\ngraphroot = "${folder}/storage"\n${idsOf ? `[storage.options]\nroot-auto-userns-user = "${idsOf}"\n` : ""}`,
  );
  mkdirSync(`${folder}/image`);
  succeed(["cp", `${repository}/build/guest/probe.bin`, `${folder}/image/`]);
  succeed(["cp", "-L", succeed(["which", "busybox"]), `${folder}/image/busybox`]);
  const archive = `${folder}/image.tar`;
  succeed(["tar", "-C", `${folder}/image`, "-cf", archive, "."]);
  ask("import", "-c", 'ENTRYPOINT ["/probe.bin"]', archive, image);
  return {
    image,
    call,
    feed,
    ask,
    run: (program, argument, ...options) =>
      call("run", "--rm", ...options, image, program, ...(argument === undefined ? [] : [argument])),
    start(t, ...options) {
      const name = uniqueName("podman");
      t.teardown(() => call("rm", "-f", name));
      ask("run", "-d", "--name", name, ...options, image, "http", "80");
      return name;
    },
    address: (name, network = "podman") =>
      ask("inspect", name, "-f", `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`),
    shell: (...args) =>
      ["env", "-u", "DOCKER_CONFIG", `CONTAINERS_STORAGE_CONF=${storage}`, ...command(args)].join(" "),
    [Symbol.dispose]() {
      call("rm", "-af");
      succeed(["sh", "-c", `umount -q ${folder}/storage/* 2>/dev/null; true`]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
