/** What kubelet asks of containerd's CRI plugin. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { type Node, startNode } from "../cri/node.ts";
import { BUSYBOX, type Pod, printed, runPod, waitForExit } from "../cri/pod.ts";
import { CHANNEL, openStream, PORT_CHANNEL } from "../cri/stream.ts";
import { engine, eventually, httpGet, succeed } from "../harness.ts";
import { anonymous, type Column, LOCALHOST, must, Refused } from "./answers.ts";

export async function askCri(column: Column, t: ExecutionContext): Promise<void> {
  const node = await startNode();
  // After the pods, whose teardowns come later.
  t.teardown(() => node[Symbol.asyncDispose]());
  const row = column.row.bind(column);
  const { call } = node.client;
  const folder = `${node.folder}/table`;
  mkdirSync(`${folder}/data`, { recursive: true });
  writeFileSync(`${folder}/words`, "of the host");
  const mount = (container_path: string, host_path: string, readonly: boolean) => ({
    container_path,
    host_path,
    readonly,
  });
  const config = {
    args: ["http", "80"],
    envs: [{ key: "A", value: "b c" }],
    mounts: [
      mount("/data", `${folder}/data`, false),
      mount("/ro", folder, true),
      mount("/single/words", `${folder}/words`, true),
    ],
    linux: {
      resources: { memory_limit_in_bytes: 200 << 20, cpu_quota: 50_000, cpu_period: 100_000 },
      security_context: {
        capabilities: { drop_capabilities: ["ALL"] },
        run_as_user: { value: 1000 },
        readonly_rootfs: true,
        no_new_privs: true,
        seccomp: { profile_type: 0 },
      },
    },
  };
  const pod = await runPod(t, node, { annotations: { "org.unikrun.memory": "96" } });
  const url = `http://${pod.address}`;
  let id = "";
  await row("create", async () => {
    id = await pod.create("guest", config);
  });
  await row("start", async () => {
    await call("StartContainer", { container_id: id });
    await httpGet(`${url}/`);
  });
  const status = async () => (await call("ContainerStatus", { container_id: id })).status;
  await row("state", async () => must((await status()).state === "CONTAINER_RUNNING", "is not running"));
  const exec = (...cmd: readonly string[]) => call("ExecSync", { container_id: id, cmd, timeout: 10 });
  await row("exec of unikrun's commands", async () => {
    const { exit_code, stdout } = await exec("unikrun", "http", "/");
    must(exit_code === 0 && /probe/.test(stdout.toString()), stdout.toString());
  });
  await row("exec of another program", () => refusal(exec("ls")));
  await row("health check", async () => must((await exec("unikrun", "tcp", "80")).exit_code === 0, "fails"));
  const guest = async () => JSON.parse(await httpGet(`${url}/config`));
  await row("address of the engine's network", async () =>
    must((await guest()).nics[0].addresses[0].startsWith(`${pod.address}/`), "has another"),
  );
  await row("arguments, environment, host name", async () => {
    const { argv, env, hostname } = await guest();
    must(
      argv[1] === "http" && env.includes("A=b c") && hostname === pod.config.hostname,
      `${argv} ${env} ${hostname}`,
    );
  });
  await row("annotations", async () => {
    const { memory } = await guest();
    must(memory > 90 << 20 && memory < 97 << 20, `${memory} bytes`);
  });
  const group = (controller: string, file: string) =>
    succeed(["sh", "-c", `cat $(find /sys/fs/cgroup/${controller}/ -type d -name ${id})/${file}`]);
  await row("memory limit", () =>
    must(group("memory", "memory.limit_in_bytes") === String(200 << 20), "is another"),
  );
  await row("CPU limit", () => must(group("cpu", "cpu.cfs_quota_us") === "50000", "is another"));
  await row("update", async () => {
    const linux = { cpu_quota: 70_000, cpu_period: 100_000 };
    await call("UpdateContainerResources", { container_id: id, linux });
    must(group("cpu", "cpu.cfs_quota_us") === "70000", "has no effect");
  });
  await row("events (statistics)", async () => {
    const { stats } = await call("ContainerStats", { container_id: id });
    must(stats.memory.working_set_bytes.value > 1 << 20, "lack memory");
  });
  await row("user and read-only root", () => httpGet(`${url}/`));
  await row("seccomp, capabilities, no new privileges", () => httpGet(`${url}/`));
  await row("volume for writing", async () => {
    const put = { method: "PUT", body: "kept", keepalive: false };
    must((await fetch(`${url}/file?path=/data/x&sync=1`, put)).ok, "can't be written");
  });
  await row("read-only folder", async () =>
    must((await httpGet(`${url}/file?path=/ro/words`)) === "of the host", "has another content"),
  );
  await row("single file", async () =>
    must((await httpGet(`${url}/file?path=/single/words`)) === "of the host", "has another content"),
  );
  await row("checkpoint", () =>
    refusal(call("CheckpointContainer", { container_id: id, location: `${folder}/c.tar` })),
  );
  await row("second unikernel in one namespace", () => refusal(pod.run("second", { args: ["http", "80"] })));
  await row("Linux container in one namespace", async () => {
    const sidecar = { image: { image: BUSYBOX }, command: LOCALHOST };
    must((await waitForExit(node, await pod.run("sidecar", sidecar))) === 0, "fails");
    must(/probe/.test(printed(pod.log("sidecar"))), "no page");
  });
  await row("logs", () => must(/serving HTTP/.test(printed(pod.log("guest"))), "lack the guest's words"));
  await row("a graceful stop is 143", async () => {
    await call("StopContainer", { container_id: id, timeout: 5 });
    must((await waitForExit(node, id)) === 143, "has another code");
  });
  await row("delete", async () => {
    await call("RemoveContainer", { container_id: id });
    await eventually(
      "what was written",
      () => readFileSync(`${folder}/data/x`, "utf8") === "kept" || undefined,
    );
  });
  await askStreams(column, pod, node);
  await askEnds(column, pod, (container) => waitForExit(node, container));
  await row("delete --force", () => pod.remove());
  column.notApplicable(
    "kubelet has no call for it",
    "run",
    "list",
    "pause",
    "resume",
    "kill",
    "ps",
    "restore",
    "spec",
  );
  column.notApplicable("kubelet has no call for it", "files copied out of the image", "limit of processes");
  column.notApplicable("kubelet's own work, by creating the container again", "restart", "restart policy");
  column.notApplicable(
    "kubelet has no call for it",
    "version",
    "an init of the engine's",
    "network connected while it runs",
  );
  column.notApplicable("a Service of Kubernetes does it", "published port", "names on the engine's network");
  column.notApplicable("as the pod's CNI network has it", "IPv6", "several networks", "no network");
  column.notApplicable("an emptyDir of medium Memory is a folder of the host", "tmpfs");
  if (engine === "20") column.notApplicable("this engine does not ask for it", "features");
  else
    await row("features", async () => {
      const { runtime_handlers } = await node.client.call("Status", {});
      const { features } = runtime_handlers.find(({ name }) => name === "unikrun") ?? {};
      must(!!features?.recursive_read_only_mounts && features.user_namespaces, JSON.stringify(features));
    });
  await askSecurity(column, t, node);
}

async function askSecurity(column: Column, t: ExecutionContext, node: Node): Promise<void> {
  const row = column.row.bind(column);
  /** A pod with these namespaces, and a guest in it. */
  const run = async (security_context: Readonly<Record<string, unknown>>): Promise<void> => {
    // kubelet gives none to a pod of the host's network.
    const pod = await runPod(t, node, { hostname: "", linux: { cgroup_parent: "", security_context } });
    const code = await waitForExit(
      node,
      await pod.run("guest", { args: ["return", "5"], linux: { security_context } }),
    );
    must(code === 5, `code ${code}`);
  };
  await row("privileged", () => run({ namespace_options: {}, privileged: true }));
  await row("the host's network", () => refusal(run({ namespace_options: { network: "NODE" } })));
  if (engine === "20") {
    column.notApplicable("this engine knows no user namespaces for pods", "user namespace");
    return;
  }
  const mapping = [{ host_id: 100_000, container_id: 0, length: 65_536 }];
  const userns_options = { mode: "POD", uids: mapping, gids: mapping };
  await row("user namespace", () => run({ namespace_options: { userns_options } }));
}

/** What kubectl's attach, exec -it and port-forward come to. */
async function askStreams(column: Column, pod: Pod, { client }: Node): Promise<void> {
  const row = column.row.bind(column);
  const attach = async (container_id: string, tty: boolean) =>
    openStream(
      (await client.call("Attach", { container_id, stdin: true, stdout: true, stderr: !tty, tty })).url,
    );
  const echoed = async (container: string, tty: boolean): Promise<string> => {
    using stream = await attach(container, tty);
    stream.say(CHANNEL.stdin, "heard\n");
    const shown = await stream.hear(CHANNEL.stdout, /^heard\r?\n(heard\r?\n)?/m);
    stream.say(CHANNEL.stdin, "quit\n");
    await stream.ended;
    return shown;
  };
  const run = (name: string, tty: boolean) => pod.run(name, { args: ["cat"], stdin: true, tty });
  await row("standard input", async () => echoed(await run("pipe", false), false));
  await row("terminal", async () =>
    must(/heard\r\n/.test(await echoed(await run("terminal", true), true)), "is none"),
  );
  await row("attach", async () => {
    const container = await run("attached", false);
    // Whoever was attached before has gone.
    (await attach(container, false))[Symbol.dispose]();
    await echoed(container, false);
  });
  await row("port forwarding", async () => {
    const container_id = await pod.run("forwarded", { args: ["http", "80"] });
    await httpGet(`http://${pod.address}/`);
    const { url } = await client.call("PortForward", { pod_sandbox_id: pod.id, port: [80] });
    using stream = await openStream(url);
    stream.say(PORT_CHANNEL.data, "GET / HTTP/1.0\r\n\r\n");
    await stream.ended;
    const words = stream.heard(PORT_CHANNEL.data) + stream.heard(PORT_CHANNEL.error);
    must(/probe/.test(words), words);
    await client.call("StopContainer", { container_id, timeout: 5 });
  });
}

async function askEnds(column: Column, pod: Pod, end: (container: string) => Promise<number>): Promise<void> {
  const row = column.row.bind(column);
  const ends = async (name: string, args: readonly string[], code: number) =>
    must((await end(await pod.run(name, { args }))) === code, "has another code");
  await row("the program's exit code", () => ends("seven", ["exit", "7"], 7));
  await row("a panic is 134", () => ends("panic", ["panic"], 134));
  await row("a killed machine is 137", async () => {
    const id = await pod.run("killed", { args: ["sleep", "1000"] });
    process.kill(Number(succeed(["pgrep", "-f", `unikrun-${id}`])), "SIGKILL");
    must((await end(id)) === 137, "has another code");
  });
}

/** That a call failed, in our sentence if it has one. */
async function refusal(call: Promise<unknown>): Promise<Refused> {
  const error = await call.then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  if (!error) throw new Error("was not refused");
  return new Refused(
    anonymous(/\b[Cc]ontainer [^\n]*?\.(?=: |"|\s*$)/m.exec(error.message)?.[0] ?? error.message),
  );
}
