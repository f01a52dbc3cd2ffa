/** What users of containerd do, by ctr. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ExecutionContext } from "ava";
import { readIfThere } from "../../proc.ts";
import { ask, ctr, hear, importImages, nameOf, remove, runtimeOptions } from "../ctr.ts";
import {
  busyboxImage,
  command,
  containerd,
  engine,
  eventually,
  httpGet,
  makeNetns,
  type Outcome,
  probeImage,
  succeed,
  uniqueName,
} from "../harness.ts";
import { type Column, cgroupFile, LOCALHOST, must, mustEnd, onTerminal, refused } from "./answers.ts";

const RUNTIME = runtimeOptions();

/** The probe, run to its end. */
const run = (args: readonly string[], options: readonly string[] = []): Outcome =>
  ctr("run", "--rm", ...RUNTIME, ...options, nameOf(probeImage()), uniqueName("ctr"), "/probe.bin", ...args);

export async function askContainerd(column: Column, t: ExecutionContext): Promise<void> {
  importImages([probeImage(), busyboxImage()]);
  await askLife(column, t);
  await askEnds(column, t);
  await askSettings(column);
  column.notApplicable("ctr writes config.json itself", "spec");
  column.notApplicable("containerd never asks a runtime for its list or its version", "list", "version");
  column.notApplicable("ctr has no command for it", "update", "restart", "restart policy", "health check");
  column.notApplicable("ctr has no command for it", "files copied out of the image");
  column.notApplicable(
    "ctr has no networks of its own: the namespace that it is given says all",
    "published port",
    "port forwarding",
    "names on the engine's network",
    "several networks",
    "IPv6",
    "network connected while it runs",
  );
  column.notApplicable("ctr has no init of its own", "an init of the engine's");
}

async function askLife(column: Column, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  const folder = mkdtempSync(`${tmpdir()}/unikrun-table-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  succeed(["mkdir", `${folder}/data`, `${folder}/ro`]);
  writeFileSync(`${folder}/ro/words`, "of the host");
  const { netns, address } = makeNetns(t);
  const url = `http://${address}`;
  const name = uniqueName("ctr");
  t.teardown(() => remove(name));
  const mount = (target: string, source: string, options: string) =>
    `--mount=type=bind,src=${source},dst=${target},options=${options}`;
  const options = [
    ...["--with-ns", `network:${netns}`, "--env", "A=b c", "--annotation", "org.unikrun.memory=96"],
    ...["--memory-limit", String(200 << 20), "--cpus", "0.5"],
    mount("/data", `${folder}/data`, "rbind:rw"),
    mount("/ro", `${folder}/ro`, "rbind:ro"),
    mount("/single/words", `${folder}/ro/words`, "rbind:ro"),
    "--mount=type=tmpfs,src=tmpfs,dst=/scratch,options=rw",
  ];
  await row("create", () =>
    ask("run", "-d", ...RUNTIME, ...options, nameOf(probeImage()), name, "/probe.bin", "http", "80"),
  );
  await row("start", () => httpGet(`${url}/`));
  const pid = () => Number(new RegExp(`^${name}\\s+(\\d+)`, "m").exec(ask("task", "ls"))?.[1]);
  await row("address of the engine's network", async () => {
    const { nics } = await config(url);
    must(nics[0]?.addresses.includes(`${address}/24`) ?? false, JSON.stringify(nics));
  });
  await row("arguments, environment, host name", async () => {
    const { argv, env } = await config(url);
    must(argv[1] === "http" && env.includes("A=b c"), `${argv} ${env}`);
  });
  await row("annotations", async () => {
    const { memory } = await config(url);
    must(memory > 90 << 20 && memory < 97 << 20, `${memory} bytes`);
  });
  await row("memory limit", () =>
    must(cgroupFile(pid(), "memory", "memory.limit_in_bytes") === String(200 << 20), "is not in its cgroup"),
  );
  await row("CPU limit", () =>
    must(cgroupFile(pid(), "cpu", "cpu.cfs_quota_us") === "50000", "is not in its cgroup"),
  );
  column.notApplicable("ctr has no option for it", "limit of processes");
  await row("state", () => must(isStatus(name, "RUNNING"), "is not running"));
  await row("ps", () => {
    const pids = ask("task", "ps", name).match(/^\d+/gm) ?? [];
    const names = pids.map((pid) => readIfThere(`/proc/${pid}/comm`).trim()).sort();
    // The last is there where a guest writes a volume.
    const wanted = ["qemu-system-x86", "unikrun-ask", "unikrun-init"];
    must(names.join() === wanted.join(), `lists ${names.join(", ")}`);
  });
  await row("pause", () => {
    ask("task", "pause", name);
    must(isStatus(name, "PAUSED"), "is not paused");
  });
  await row("resume", async () => {
    ask("task", "resume", name);
    await httpGet(`${url}/`);
  });
  await row("events (statistics)", () =>
    must(/^memory\.usage/m.test(ask("task", "metrics", name)), "lack memory"),
  );
  await row("exec of unikrun's commands", () => {
    const exec = () => ctr("task", "exec", "--exec-id", uniqueName("e"), name, "unikrun", "http", "/");
    hear(/probe/, 0, exec);
  });
  await row("exec of another program", () => refused(ctr("task", "exec", "--exec-id", "e2", name, "ls")));
  await row("volume for writing", async () => {
    const written = await put(`${url}/file?path=/data/x&sync=1`, "kept");
    must(written === 200 || written === 201, `writing is ${written}`);
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
  const inside = ["--with-ns", `network:${netns}`];
  await row("second unikernel in one namespace", () => refused(run(["return", "0"], inside)));
  await row("Linux container in one namespace", () => {
    const options = ["run", "--rm", ...RUNTIME, ...inside, nameOf(busyboxImage())];
    hear(/probe/, 0, () => ctr(...options, uniqueName("ctr"), ...LOCALHOST));
  });
  await row("a graceful stop is 143", async () => {
    ask("task", "kill", "-s", "TERM", name);
    await mustHaveEnded(name, 143);
  });
  await row("delete", async () => {
    ask("container", "delete", name);
    await eventually(
      "what was written",
      () => readFileSync(`${folder}/data/x`, "utf8") === "kept" || undefined,
    );
  });
}

async function askEnds(column: Column, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  await row("run", () => hear(/returned 0/, 0, () => run(["return", "0"])));
  await row("logs", () => hear(/^line 3$/m, 0, () => run(["print", "3"])));
  await row("the program's exit code", () => mustEnd(run(["exit", "7"]), 7));
  await row("a panic is 134", () => mustEnd(run(["panic"]), 134));
  const cat = (name: string, ...options: readonly string[]) => [
    "ctr",
    "--address",
    containerd,
    "run",
    ...options,
    ...RUNTIME,
    nameOf(probeImage()),
    name,
    "/probe.bin",
    "cat",
  ];
  await row("standard input", () => {
    hear(/^heard$/m, 0, () => command(cat(uniqueName("ctr"), "--rm"), "heard\nquit\n"));
  });
  await row("terminal", async () => {
    const { code, shown } = await onTerminal(cat(uniqueName("ctr"), "--rm", "-t").join(" "), [
      [/main\(\)/, "heard\r"],
      [/heard[\s\S]*\nheard/, "quit\r"],
    ]);
    must(code === 0, shown);
  });
  column.notApplicable("ctr attach takes the terminal of ctr run -t from it", "attach");
  const start = (): string => {
    const name = uniqueName("ctr");
    t.teardown(() => remove(name));
    ask("run", "-d", "--null-io", ...RUNTIME, nameOf(probeImage()), name, "/probe.bin", "sleep", "1000");
    return name;
  };
  await row("kill", async () => {
    const name = start();
    ask("task", "kill", "-s", "INT", name);
    await mustHaveEnded(name, 130);
  });
  await row("a killed machine is 137", async () => {
    const name = start();
    const pids = ask("task", "ps", name).match(/^\d+/gm) ?? [];
    process.kill(Math.max(...pids.map(Number)), "SIGKILL");
    await mustHaveEnded(name, 137);
  });
  const saved = uniqueName("saved");
  await row("checkpoint", async () => {
    const name = start();
    ask("container", "checkpoint", "--task", "--rw", "--image", name, `${saved}:1`);
    // What is restored has its cgroup.
    ask("task", "kill", "-s", "KILL", name);
    await mustHaveEnded(name, 137);
  });
  await row("restore", () => {
    const name = uniqueName("ctr");
    t.teardown(() => remove(name));
    ask("container", "restore", "--live", name, `${saved}:1`);
    must(isStatus(name, "RUNNING"), "is not running");
  });
  await row("delete --force", () => {
    const name = start();
    ctr("task", "delete", "-f", name);
    ask("container", "delete", name);
  });
}

async function askSettings(column: Column): Promise<void> {
  const row = column.row.bind(column);
  const runs = (...options: readonly string[]) => mustEnd(run(["return", "5"], options), 5);
  if (engine === "20") column.notApplicable("this engine does not ask for it", "features");
  else
    await row("features", () =>
      must(/rumprun/.test(ask("plugins", "inspect-runtime", ...RUNTIME)), "are not shown"),
    );
  await row("no network", () => runs());
  await row("the host's network", () => refused(run(["return", "0"], ["--net-host"])));
  await row("privileged", () => runs("--privileged"));
  await row("user and read-only root", () =>
    runs("--read-only", ...(engine === "20" ? [] : ["--user", "1000:1000"])),
  );
  await row("seccomp, capabilities, no new privileges", () => runs("--seccomp", "--cap-drop", "CAP_NET_RAW"));
  column.notApplicable("ctr run --uidmap takes runc, whatever runtime it is told", "user namespace");
}

const isStatus = (name: string, status: string): boolean =>
  new RegExp(`^${name}\\s+\\d+\\s+${status}`, "m").test(ask("task", "ls"));

/** Its task has stopped with this code, which ctr says in a warning, and is deleted. */
async function mustHaveEnded(name: string, code: number): Promise<void> {
  await eventually("its end", () => isStatus(name, "STOPPED") || undefined);
  const { stderr } = ctr("task", "delete", name);
  must(stderr.includes(`exit code ${code}`), stderr);
}

async function put(url: string, body: string): Promise<number> {
  return (await fetch(url, { method: "PUT", body, keepalive: false })).status;
}

interface Config {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly memory: number;
  readonly nics: readonly { readonly addresses: readonly string[] }[];
}

const config = async (url: string): Promise<Config> => JSON.parse(await httpGet(`${url}/config`));
