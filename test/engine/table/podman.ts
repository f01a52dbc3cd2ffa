/** What users of Podman do. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ExecutionContext } from "ava";
import { vmmOf } from "../../proc.ts";
import { eventually, httpGet, uniqueName } from "../harness.ts";
import { type Podman, preparePodman } from "../podman.ts";
import {
  anonymous,
  type Column,
  cgroupFile,
  LOCALHOST,
  must,
  mustEnd,
  onTerminal,
  Refused,
  refused,
} from "./answers.ts";

export async function askPodman(column: Column, t: ExecutionContext): Promise<void> {
  const podman = preparePodman();
  t.teardown(() => podman[Symbol.dispose]());
  await askLife(column, podman, t);
  await askEnds(column, podman, t);
  await askConsole(column, podman);
  await askNetworks(column, podman, t);
  await askSettings(column, podman);
  column.notApplicable(
    "Podman keeps its own list, and asks for the runtime's version for podman info only",
    "list",
  );
  column.notApplicable("Podman writes config.json itself", "spec");
  column.notApplicable("kubectl's alone", "port forwarding");
  column.notApplicable("this engine does not ask for it", "features");
}

async function askLife(column: Column, podman: Podman, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  const { ask, call, image } = podman;
  const folder = mkdtempSync(`${tmpdir()}/unikrun-table-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(`${folder}/data`);
  writeFileSync(`${folder}/words`, "of the host");
  const storage = [
    "-v",
    `${folder}/data:/data`,
    "-v",
    `${folder}:/ro:ro`,
    "-v",
    `${folder}/words:/single/words:ro`,
  ];
  const limits = ["--memory", "200m", "--cpus", "0.5", "--pids-limit", "77"];
  const health = ["--health-cmd", "unikrun http /", "--health-interval", "disable"];
  const told = ["--hostname", "told", "-e", "A=b c", "--annotation", "org.unikrun.memory=96"];
  const options = [...storage, "--tmpfs", "/scratch", ...limits, ...health, ...told, "-p", "8091:80"];
  const name = uniqueName("podman");
  t.teardown(() => call("rm", "-f", name));
  let url = "";
  await row("create", () => ask("create", "--name", name, ...options, image, "http", "80"));
  await row("start", async () => {
    ask("start", name);
    url = `http://${podman.address(name)}`;
    await httpGet(`${url}/`);
  });
  const config = async () => JSON.parse(await httpGet(`${url}/config`));
  const pid = () => ask("inspect", "-f", "{{.State.Pid}}", name);
  const status = () => ask("inspect", "-f", "{{.State.Status}}", name);
  await row("version", () => must(/unikrun/.test(ask("info")), "is not in podman info"));
  await row("state", () => must(status() === "running", status()));
  await row("ps", () => refused(call("top", name), /[^\n]*(\/proc|top)[^\n]*/));
  await row("address of the engine's network", async () => {
    const { nics } = await config();
    must(nics[0].addresses[0].startsWith(`${podman.address(name)}/`), JSON.stringify(nics));
  });
  await row("published port", () => httpGet("http://127.0.0.1:8091/"));
  await row("arguments, environment, host name", async () => {
    const { argv, env, hostname } = await config();
    must(argv[1] === "http" && env.includes("A=b c") && hostname === "told", `${argv} ${env} ${hostname}`);
  });
  await row("annotations", async () => {
    const { memory } = await config();
    must(memory > 90 << 20 && memory < 97 << 20, `${memory} bytes`);
  });
  await row("memory limit", () =>
    must(cgroupFile(pid(), "memory", "memory.limit_in_bytes") === String(200 << 20), "is not in its cgroup"),
  );
  await row("CPU limit", () =>
    must(cgroupFile(pid(), "cpu", "cpu.cfs_quota_us") === "50000", "is not in its cgroup"),
  );
  await row("limit of processes", () =>
    must(cgroupFile(pid(), "pids", "pids.max") === "77", "is not in its cgroup"),
  );
  await row("pause", () => {
    ask("pause", name);
    must(status() === "paused", status());
  });
  await row("resume", async () => {
    ask("unpause", name);
    await httpGet(`${url}/`);
  });
  await row("events (statistics)", () => {
    const usage = ask("stats", "--no-stream", "--format", "{{.MemUsage}}", name);
    must(/^[1-9][0-9.]*MB/.test(usage), usage);
  });
  await row("update", () => {
    ask("update", "--cpus", "0.7", name);
    must(cgroupFile(pid(), "cpu", "cpu.cfs_quota_us") === "70000", "has no effect");
  });
  await row("exec of unikrun's commands", () => {
    must(/probe/.test(mustEnd(call("exec", name, "unikrun", "http", "/"), 0)), "no page");
  });
  await row("exec of another program", () => refused(call("exec", name, "ls")));
  await row("health check", () => mustEnd(call("healthcheck", "run", name), 0));
  await row("volume for writing", async () => {
    const written = await put(`${url}/file?path=/data/x&sync=1`, "kept");
    must(written < 300, `writing is ${written}`);
  });
  await row("read-only folder", async () => {
    must((await httpGet(`${url}/file?path=/ro/words`)) === "of the host", "has another content");
    must((await put(`${url}/file?path=/ro/x`, "x")) === 403, "can be written");
  });
  await row("single file", async () =>
    must((await httpGet(`${url}/file?path=/single/words`)) === "of the host", "has another content"),
  );
  await row("tmpfs", async () => {
    await put(`${url}/file?path=/scratch/x`, "gone");
    must((await httpGet(`${url}/file?path=/scratch/x`)) === "gone", "does not keep it");
  });
  await row("files copied out of the image", () =>
    refused(call("cp", `${name}:/probe.bin`, `${folder}/copy`), /[^\n]*could not be found[^\n]*/),
  );
  await row("logs", () => must(/serving HTTP/.test(ask("logs", name)), "lack the guest's words"));
  const inside = ["--network", `container:${name}`];
  await row("second unikernel in one namespace", () =>
    refused(call("run", "--rm", ...inside, image, "return", "0")),
  );
  await row("Linux container in one namespace", () =>
    must(
      /probe/.test(ask("run", "--rm", ...inside, "--entrypoint", "/busybox", image, ...LOCALHOST)),
      "no page",
    ),
  );
  await row("a graceful stop is 143", async () => {
    ask("stop", name);
    must(ask("inspect", "-f", "{{.State.ExitCode}}", name) === "143", "has another code");
    await eventually(
      "what was written",
      () => readFileSync(`${folder}/data/x`, "utf8") === "kept" || undefined,
    );
  });
  await row("delete", () => ask("rm", name));
}

async function askEnds(column: Column, podman: Podman, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  const { ask, call } = podman;
  const code = (name: string) => ask("wait", name);
  await row("run", () => must(/returned 0/.test(mustEnd(podman.run("return", "0"), 0)), "no words"));
  await row("the program's exit code", () => mustEnd(podman.run("exit", "7"), 7));
  await row("a panic is 134", () => mustEnd(podman.run("panic"), 134));
  const name = podman.start(t);
  await row("restart", async () => {
    ask("restart", name);
    await httpGet(`http://${podman.address(name)}/`);
  });
  await row("a killed machine is 137", () => {
    const init = ask("inspect", "-f", "{{.State.Pid}}", name);
    process.kill(vmmOf(Number(init)), "SIGKILL");
    must(code(name) === "137", code(name));
  });
  await row("kill", () => {
    ask("start", name);
    ask("kill", "-s", "INT", name);
    must(code(name) === "130", code(name));
  });
  await row("delete --force", () => ask("rm", "-f", podman.start(t)));
  await row("restart policy", async () => {
    const failing = uniqueName("podman");
    t.teardown(() => call("rm", "-f", failing));
    ask("run", "-d", "--name", failing, "--restart=on-failure:1", podman.image, "return", "3");
    const count = () => ask("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", failing);
    await eventually("a restart", () => count() === "1 exited" || undefined);
  });
  await row("checkpoint", () => {
    const living = podman.start(t);
    return refused(call("container", "checkpoint", living), /Error: [^\n]*/);
  });
  column.notApplicable("Podman makes no checkpoint that could be restored", "restore");
}

async function askConsole(column: Column, podman: Podman): Promise<void> {
  const row = column.row.bind(column);
  const { image, shell } = podman;
  await row("standard input", () =>
    must(
      /^heard$/m.test(mustEnd(podman.feed("heard\nquit\n", "run", "--rm", "-i", image, "cat"), 0)),
      "was not heard",
    ),
  );
  await row("terminal", async () => {
    const { code, shown } = await onTerminal(shell("run", "--rm", "-it", image, "cat"), [
      [/main\(\)/, "heard\r"],
      [/heard[\s\S]*\nheard/, "quit\r"],
    ]);
    must(code === 0, shown);
  });
  await row("attach", async () => {
    const name = uniqueName("podman");
    podman.ask("run", "-d", "-it", "--name", name, image, "cat");
    await eventually("the program", () => podman.ask("logs", name).includes("main()") || undefined);
    const { code, shown } = await onTerminal(`sh -c 'echo ready; exec ${shell("attach", name)}'`, [
      [/ready/, "heard\r"],
      [/heard[\s\S]*\nheard/, "quit\r"],
    ]);
    must(code === 0, shown);
    podman.ask("rm", "-f", name);
  });
}

async function askNetworks(column: Column, podman: Podman, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  const { ask, call, image } = podman;
  const networks = [uniqueName("net"), uniqueName("net")] as const;
  ask("network", "create", "--ipv6", "--subnet", "fd00:7a::/64", "--subnet", "10.91.0.0/24", networks[0]);
  ask("network", "create", networks[1]);
  t.teardown(() => call("network", "rm", "-f", ...networks));
  const [name, other] = [
    podman.start(t, "--network", networks[0]),
    podman.start(t, "--network", networks[0]),
  ];
  await row("names on the engine's network", async () => {
    const address = podman.address(other, networks[0]);
    const url = `http://${podman.address(name, networks[0])}/dns?name=${other}`;
    await eventually("the address", async () => (await httpGet(url, 15_000)).trim() === address || undefined);
  });
  const field = `{{(index .NetworkSettings.Networks "${networks[0]}").GlobalIPv6Address}}`;
  await row("IPv6", () => httpGet(`http://[${ask("inspect", "-f", field, name)}]/`));
  await row("network connected while it runs", async () => {
    ask("network", "connect", networks[1], name);
    const words = await eventually(
      "words in the log",
      () => /^unikrun: (.*connected.*)$/m.exec(call("logs", name).stderr)?.[1],
    );
    return new Refused(anonymous(words));
  });
  await row("several networks", async () => {
    ask("restart", name);
    for (const network of networks) await httpGet(`http://${podman.address(name, network)}/`);
  });
  await row("no network", () => mustEnd(podman.run("return", "0", "--network", "none"), 0));
  await row("the host's network", () =>
    refused(call("run", "--rm", "--network", "host", image, "return", "0")),
  );
}

async function askSettings(column: Column, podman: Podman): Promise<void> {
  const row = column.row.bind(column);
  const runs = (...options: readonly string[]) => mustEnd(podman.run("return", "5", ...options), 5);
  await row("an init of the engine's", () => runs("--init", "--init-path", "/bin/true"));
  await row("privileged", () => runs("--privileged"));
  await row("user and read-only root", () => runs("--user", "1000:1000", "--read-only"));
  await row("seccomp, capabilities, no new privileges", () =>
    runs("--cap-drop", "ALL", "--cap-add", "NET_RAW", "--security-opt", "no-new-privileges"),
  );
  await row("user namespace", () => runs("--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"));
}

async function put(url: string, body: string): Promise<number> {
  return (await fetch(url, { method: "PUT", body, keepalive: false })).status;
}
