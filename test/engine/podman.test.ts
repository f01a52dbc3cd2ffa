/** Podman beside the engine, in the same namespaces, with storage of its own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { eventually, httpGet, type Outcome, repository, succeed, unikrun, uniqueName } from "./harness.ts";

const folder = mkdtempSync(`${tmpdir()}/unikrun-podman-`);
const storage = `${folder}/storage.conf`;
const image = "localhost/probe";

test.before(() => {
  writeFileSync(
    storage,
    `[storage]\ndriver = "vfs"\nrunroot = "/run/podman-storage"\ngraphroot = "${folder}/storage"\n`,
  );
  mkdirSync(`${folder}/image`);
  succeed(["cp", `${repository}/build/guest/probe.bin`, `${folder}/image/`]);
  const archive = `${folder}/image.tar`;
  succeed(["tar", "-C", `${folder}/image`, "-cf", archive, "."]);
  must("import", "-c", 'ENTRYPOINT ["/probe.bin"]', archive, image);
});

test.after.always(() => {
  podman("rm", "-af");
  succeed(["sh", "-c", `umount -q ${folder}/storage/* 2>/dev/null; true`]);
  rmSync(folder, { recursive: true, force: true });
});

function podman(...args: readonly string[]): Outcome {
  const { DOCKER_CONFIG: _, ...env } = process.env;
  const run = Bun.spawnSync({
    cmd: ["podman", "--runtime", unikrun, "--cgroup-manager", "cgroupfs", ...args],
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...env, CONTAINERS_STORAGE_CONF: storage },
  });
  return { code: run.exitCode ?? -1, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}

function must(...args: readonly string[]): string {
  const { code, stdout, stderr } = podman(...args);
  if (code !== 0) throw new Error(`podman ${args.join(" ")}: code ${code}: ${stderr.trim()}`);
  return stdout.trim();
}

function startGuest(t: ExecutionContext, ...options: readonly string[]): string {
  const name = uniqueName("podman");
  t.teardown(() => podman("rm", "-f", name));
  must("run", "-d", "--name", name, ...options, image, "http", "80");
  return name;
}

const addressOf = (name: string, network: string): string =>
  must("inspect", name, "-f", `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`);

test.serial("podman run gives the guest's output and exit code", (t) => {
  const { code, stdout } = podman("run", "--rm", image, "return", "7");
  t.is(code, 7);
  t.regex(stdout, /main\(\) of "\/probe\.bin" returned 7/);
});

test.serial("a guest answers, is paused, watched, stopped and removed", async (t) => {
  const data = `${folder}/data`;
  mkdirSync(data);
  const name = startGuest(t, "-v", `${data}:/data`);
  const url = `http://${addressOf(name, "podman")}`;
  t.regex(await httpGet(`${url}/`), /probe/);
  await fetch(`${url}/file?path=/data/x&sync=1`, { method: "PUT", body: "by podman", keepalive: false });
  must("pause", name);
  t.is(must("inspect", name, "-f", "{{.State.Status}}"), "paused");
  must("unpause", name);
  t.regex(must("stats", "--no-stream", "--format", "{{.MemUsage}}", name), /\d+(\.\d+)?MB/);
  t.regex(must("logs", name), /serving HTTP/);
  const exec = podman("exec", name, "sh");
  t.is(exec.code, 127);
  t.regex(exec.stderr, /is a unikernel, so exec is not for it/);
  must("stop", name);
  t.is(must("inspect", name, "-f", "{{.State.ExitCode}}"), "143");
  must("rm", name);
  await eventually("the volume", () => readFileSync(`${data}/x`, "utf8") === "by podman" || undefined);
  t.pass();
});

test.serial("guests on a network of Podman's find each other by name", async (t) => {
  const network = uniqueName("net");
  must("network", "create", network);
  t.teardown(() => podman("network", "rm", "-f", network));
  const [one, two] = [startGuest(t, "--network", network), startGuest(t, "--network", network)];
  const host = addressOf(one, network);
  const address = addressOf(two, network);
  const answer = await eventually(`the address of ${two}`, async () => {
    const text = await httpGet(`http://${host}/dns?name=${two}.dns.podman`, 15_000);
    return text.includes(address) ? text : undefined;
  });
  t.is(answer.trim(), address);
});

test.serial("the operator's annotations are heard", async (t) => {
  const name = startGuest(t, "--annotation", "org.unikrun.memory=96");
  const { memory } = JSON.parse(await httpGet(`http://${addressOf(name, "podman")}/config`));
  t.true(memory > 90 << 20 && memory < 97 << 20, `${memory}`);
});
