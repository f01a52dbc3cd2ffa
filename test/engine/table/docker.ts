/** What Docker users do. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ExecutionContext } from "ava";
import { readIfThere } from "../../proc.ts";
import {
  busyboxImage,
  createProbe,
  docker,
  endpoint,
  engine,
  eventually,
  guestConfig,
  httpGet,
  inspect,
  probeImage,
  repository,
  runProbe,
  startProbe,
  succeed,
  uniqueName,
  waitForEnd,
} from "../harness.ts";
import { type Column, cgroupFile, LOCALHOST, must, mustEnd, onTerminal, refused } from "./answers.ts";
import { askNetworks, askSettings, askUsers } from "./docker-networks.ts";

/** `partly` asks of one guest's life alone, for a host that is too slow for all. */
export async function askDocker(column: Column, t: ExecutionContext, partly: boolean): Promise<void> {
  if (!partly) await askUsers(column);
  await askLife(column, t);
  if (partly) return;
  await askEnds(column, t);
  await askCheckpoint(column, t);
  await askConsole(column, t);
  await askNetworks(column, t);
  await askSettings(column);
  column.notApplicable("dockerd keeps its own list, and never asks a runtime for its", "list");
  column.notApplicable("dockerd writes config.json itself", "spec");
  column.notApplicable("Docker has no annotations", "annotations");
  column.notApplicable("kubectl's alone", "port forwarding");
}

/** One guest from its creation to its end, with all that it may have. */
async function askLife(column: Column, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  const folder = mkdtempSync(`${tmpdir()}/unikrun-table-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(`${folder}/words`, "of the host");
  const volume = uniqueName("volume");
  t.teardown(() => docker("volume", "rm", "-f", volume));
  const storage = [
    "-v",
    `${volume}:/data`,
    "-v",
    `${folder}:/ro:ro`,
    "-v",
    `${folder}/words:/single/words:ro`,
  ];
  const limits = ["--memory", "200m", "--cpus", "0.5", "--pids-limit", "77"];
  const health = ["--health-cmd", "unikrun http /", "--health-interval", "1s"];
  const options = [
    ...storage,
    "--tmpfs",
    "/scratch",
    ...limits,
    ...health,
    "--hostname",
    "told",
    "-e",
    "A=b c",
  ];
  let name = "";
  let url = "";
  await row("create", () => {
    name = createProbe(t, { options: [...options, "-p", "8090:80"] });
  });
  await row("start", async () => {
    succeed(["docker", "start", name]);
    url = `http://${endpoint(name).IPAddress}`;
    await httpGet(`${url}/`);
  });
  await row("version", () => must(/unikrun/.test(docker("info").stdout), "is not in docker info"));
  if (engine === "20") column.notApplicable("this engine does not ask for it", "features");
  else
    await row("features", () => {
      const runtimes = JSON.parse(succeed(["docker", "info", "-f", "{{json .Runtimes}}"]));
      const { status } = runtimes.unikrun;
      must(/rumprun/.test(status["org.opencontainers.runtime-spec.features"]), "are not in docker info");
    });
  await row("state", () => must(inspect(name, "{{.State.Status}}") === "running", "is not running"));
  await row("ps", () => must(/qemu-system/.test(succeed(["docker", "top", name])), "shows no VMM"));
  await row("address of the engine's network", async () => {
    const { nics } = await guestConfig(endpoint(name).IPAddress);
    must(nics[0]?.mac === endpoint(name).MacAddress, "has another MAC address");
  });
  await row("published port", () => httpGet("http://127.0.0.1:8090/"));
  await row("arguments, environment, host name", async () => {
    const { argv, env, hostname } = await guestConfig(endpoint(name).IPAddress);
    must(argv[1] === "http" && env.includes("A=b c") && hostname === "told", `${argv} ${env} ${hostname}`);
  });
  await row("memory limit", async () => {
    const { memory } = JSON.parse(await httpGet(`${url}/config`));
    must(memory > 100 << 20 && memory < 200 << 20, `${memory} bytes`);
    must(
      cgroupFile(pidOf(name), "memory", "memory.limit_in_bytes") === String(200 << 20),
      "not in its cgroup",
    );
  });
  await row("CPU limit", () =>
    must(cgroupFile(pidOf(name), "cpu", "cpu.cfs_quota_us") === "50000", "is not in its cgroup"),
  );
  await row("limit of processes", () =>
    must(cgroupFile(pidOf(name), "pids", "pids.max") === "77", "is not in its cgroup"),
  );
  await row("pause", async () => {
    succeed(["docker", "pause", name]);
    must(inspect(name, "{{.State.Paused}}") === "true", "is not paused");
    const silent = await fetch(url, { signal: AbortSignal.timeout(500), keepalive: false }).catch(() => null);
    must(silent === null, "answers");
  });
  await row("resume", async () => {
    succeed(["docker", "unpause", name]);
    await httpGet(`${url}/`);
  });
  await row("events (statistics)", () => {
    const usage = succeed(["docker", "stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", name]);
    must(/^[1-9][0-9.]*MiB .* [2-9]$/.test(usage), usage);
  });
  await row("update", () => {
    succeed(["docker", "update", "--cpus", "0.7", name]);
    must(cgroupFile(pidOf(name), "cpu", "cpu.cfs_quota_us") === "70000", "has no effect");
  });
  await row("exec of unikrun's commands", () => {
    must(/probe/.test(mustEnd(docker("exec", name, "unikrun", "http", "/"), 0)), "no page");
  });
  await row("exec of another program", () => refused(docker("exec", name, "ls")));
  await row("health check", () =>
    eventually("health", () => inspect(name, "{{.State.Health.Status}}") === "healthy" || undefined),
  );
  await row("volume for writing", async () => {
    const written = await fetch(`${url}/file?path=/data/x&sync=1`, {
      method: "PUT",
      body: "kept",
      keepalive: false,
    });
    must(written.ok, await written.text());
  });
  await row("read-only folder", async () => {
    must((await httpGet(`${url}/file?path=/ro/words`)) === "of the host", "has another content");
    const { status } = await fetch(`${url}/file?path=/ro/x`, { method: "PUT", body: "x", keepalive: false });
    must(status === 403, `writing is ${status}`);
  });
  await row("single file", async () =>
    must((await httpGet(`${url}/file?path=/single/words`)) === "of the host", "has another content"),
  );
  await row("tmpfs", async () => {
    await fetch(`${url}/file?path=/scratch/x`, { method: "PUT", body: "gone", keepalive: false });
    must((await httpGet(`${url}/file?path=/scratch/x`)) === "gone", "does not keep it");
  });
  await row("files copied out of the image", () => {
    succeed(["docker", "cp", `${name}:/probe.bin`, `${folder}/copy`]);
    succeed(["cmp", `${folder}/copy`, `${repository}/build/guest/probe.bin`]);
  });
  await row("logs", () => must(/serving HTTP/.test(docker("logs", name).stdout), "lack the guest's words"));
  await row("second unikernel in one namespace", () =>
    refused(runProbe(["return", "0"], ["--network", `container:${name}`])),
  );
  await row("Linux container in one namespace", () => {
    const run = ["docker", "run", "--rm", "--runtime=unikrun", "--network", `container:${name}`];
    must(/probe/.test(succeed([...run, busyboxImage(), ...LOCALHOST])), "no page");
  });
  await row("a graceful stop is 143", () => {
    succeed(["docker", "stop", name]);
    must(inspect(name, "{{.State.ExitCode}}") === "143", inspect(name, "{{.State.ExitCode}}"));
    const place = inspect(volume, "{{.Mountpoint}}");
    if (readIfThere(`${place}/x`) !== "kept")
      column.answers["volume for writing"] = "fails: lost what was written";
  });
}

const pidOf = (name: string): string => inspect(name, "{{.State.Pid}}");

/** All that ends, each in its own way. */
async function askEnds(column: Column, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  await row("run", () => must(/returned 0/.test(mustEnd(runProbe(["return", "0"]), 0)), "no words"));
  await row("the program's exit code", () => mustEnd(runProbe(["exit", "7"]), 7));
  await row("a panic is 134", () => mustEnd(runProbe(["panic"]), 134));
  const name = startProbe(t);
  await row("restart", async () => {
    succeed(["docker", "restart", name]);
    await httpGet(`http://${endpoint(name).IPAddress}/`);
  });
  await row("a killed machine is 137", () => {
    const [, vmm = "none"] = /^\S+\s+(\d+).*qemu-system/m.exec(succeed(["docker", "top", name])) ?? [];
    process.kill(Number(vmm), "SIGKILL");
    must(waitForEnd(name) === 137, inspect(name, "{{.State.ExitCode}}"));
  });
  await row("kill", () => {
    succeed(["docker", "start", name]);
    succeed(["docker", "kill", "-s", "INT", name]);
    must(waitForEnd(name) === 130, inspect(name, "{{.State.ExitCode}}"));
  });
  await row("delete", () => succeed(["docker", "rm", name]));
  await row("delete --force", () => succeed(["docker", "rm", "-f", startProbe(t)]));
  await row("restart policy", async () => {
    const failing = startProbe(t, { args: ["return", "3"], options: ["--restart=on-failure:1"] });
    const count = "{{.RestartCount}} {{.State.Status}}";
    await eventually("a restart", () => inspect(failing, count) === "1 exited" || undefined);
  });
}

async function askCheckpoint(column: Column, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  if (engine === "26") {
    column.notApplicable("dockerd has it among its experiments, which are off", "checkpoint", "restore");
    return;
  }
  const name = startProbe(t);
  await row("checkpoint", () => {
    succeed(["docker", "checkpoint", "create", name, "table"]);
    must(waitForEnd(name) === 137, inspect(name, "{{.State.ExitCode}}"));
  });
  await row("restore", async () => {
    // What the checkpoint left is cleaned away a moment later.
    const restore = await eventually("the restore", () => {
      const outcome = docker("start", "--checkpoint", "table", name);
      return outcome.stderr.includes("already exists") ? undefined : outcome;
    });
    if (engine !== "20") return refused(restore, /Error response.*/);
    mustEnd(restore, 0);
    await httpGet(`http://${endpoint(name).IPAddress}/`);
  });
}

async function askConsole(column: Column, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  const cat = ["docker", "run", "--rm", "-i", "--runtime=unikrun", probeImage(), "cat"];
  await row("standard input", () => must(/^heard$/m.test(succeed(cat, "heard\nquit\n")), "was not heard"));
  await row("terminal", async () => {
    const run = `docker run --rm -it --runtime=unikrun ${probeImage()} cat`;
    const { code, shown } = await onTerminal(run, [
      [/main\(\)/, "heard\r"],
      [/heard[\s\S]*\nheard/, "quit\r"],
    ]);
    must(code === 0, shown);
  });
  await row("attach", async () => {
    const name = startProbe(t, { args: ["cat"], options: ["-it"] });
    await eventually("the program", () => docker("logs", name).stdout.includes("main()") || undefined);
    const { code, shown } = await onTerminal(`sh -c 'echo ready; exec docker attach ${name}'`, [
      [/ready/, "heard\r"],
      [/heard[\s\S]*\nheard/, "quit\r"],
    ]);
    must(code === 0, shown);
  });
}
