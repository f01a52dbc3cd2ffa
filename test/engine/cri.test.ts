/** Kubernetes' pods, as kubelet makes them: containerd's CRI plugin with the handler "unikrun". */
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import test from "ava";
import { type Node, startNode } from "./cri/node.ts";
import { BUSYBOX, printed, runPod, waitForExit } from "./cri/pod.ts";
import { command, eventually, httpGet, succeed } from "./harness.ts";

let node: Node;

test.before(async () => {
  node = await startNode();
});

test.after.always(() => node?.[Symbol.asyncDispose]());

const status = async (container: string) =>
  (await node.client.call("ContainerStatus", { container_id: container })).status;
const serve = { args: ["http", "80"] };

test.serial(
  "a pod of pause, sidecar and unikernel: it answers, its log and its end are its own",
  async (t) => {
    const pod = await runPod(t, node);
    const sidecar = await pod.run("sidecar", {
      image: { image: BUSYBOX },
      command: ["sh", "-c", "echo from the sidecar; sleep 1000"],
    });
    const guest = await pod.run("guest", serve);
    t.regex(await httpGet(`http://${pod.address}/`), /probe/);
    t.is(JSON.parse(await httpGet(`http://${pod.address}/config`)).hostname, pod.config.hostname);
    await eventually(
      "the sidecar's log",
      () => printed(pod.log("sidecar")) === "from the sidecar\n" || undefined,
    );
    t.regex(printed(pod.log("guest")), /^probe: serving HTTP/m);
    const shell = await node.client.call("ExecSync", { container_id: sidecar, cmd: ["echo", "hello"] });
    t.is(shell.stdout.toString(), "hello\n");
    await node.client.call("StopContainer", { container_id: guest, timeout: 5 });
    t.is(await waitForExit(node, guest), 143);
    await pod.remove();
  },
);

test.serial("probes: exec, HTTP and TCP", async (t) => {
  const pod = await runPod(t, node);
  const guest = await pod.run("guest", serve);
  const exec = (...cmd: readonly string[]) =>
    node.client.call("ExecSync", { container_id: guest, cmd, timeout: 10 });
  t.regex(await httpGet(`http://${pod.address}/`), /probe/);
  const page = await exec("unikrun", "http", "/");
  t.is(page.exit_code, 0);
  t.regex(page.stdout.toString(), /probe/);
  const failed = await exec("unikrun", "tcp", "81");
  t.is(failed.exit_code, 1);
  t.regex(failed.stderr.toString(), /connection refused/);
  await t.throwsAsync(exec("cat", "/etc/hosts"), {
    message: /there is no "cat" in it \(executable file not found\)/,
  });
});

test.serial(
  "a guest that panics is started again in its sandbox, five times, each with its true code",
  async (t) => {
    const pod = await runPod(t, node);
    for (let attempt = 0; attempt < 5; attempt++) {
      const guest = await pod.run("guest", { ...serve, metadata: { name: "guest", attempt } });
      t.regex(await httpGet(`http://${pod.address}/`), /probe/);
      await fetch(`http://${pod.address}/panic`, { keepalive: false }).catch(() => null);
      t.is(await waitForExit(node, guest), 134);
      t.regex(printed(pod.log("guest")), /panic:[\s\S]*halted\n$/);
      await node.client.call("RemoveContainer", { container_id: guest });
    }
  },
);

test.serial("a second unikernel in a pod is refused aloud, and the first goes on", async (t) => {
  const pod = await runPod(t, node);
  await pod.run("first", serve);
  await httpGet(`http://${pod.address}/`);
  await t.throwsAsync(pod.run("second", serve), { message: /one interface can serve one unikernel only/ });
  t.regex(await httpGet(`http://${pod.address}/`), /probe/);
});

test.serial("limits, statistics, and the pod's annotations", async (t) => {
  const pod = await runPod(t, node, { annotations: { "org.unikrun.memory": "96" } });
  const limit = 200 << 20;
  const resources = {
    memory_limit_in_bytes: limit,
    cpu_quota: 50_000,
    cpu_period: 100_000,
    oom_score_adj: 900,
  };
  const guest = await pod.run("guest", { ...serve, linux: { resources } });
  const { memory } = JSON.parse(await httpGet(`http://${pod.address}/config`));
  t.true(memory > 90 << 20 && memory < 97 << 20, `${memory}`);
  const group = (controller: string, file: string) =>
    readFileSync(
      succeed(["sh", "-c", `find /sys/fs/cgroup/${controller}/ -type d -name ${guest}`]).concat("/", file),
      "utf8",
    ).trim();
  t.is(group("memory", "memory.limit_in_bytes"), String(limit));
  t.is(group("cpu", "cpu.cfs_quota_us"), "50000");
  const { stats } = await node.client.call("ContainerStats", { container_id: guest });
  const used = Number(group("memory", "memory.usage_in_bytes"));
  t.true(Math.abs(stats.memory.working_set_bytes.value - used) < 16 << 20, `${used}`);
  t.true(stats.cpu.usage_core_nano_seconds.value > 0);
  t.true(stats.cpu.usage_core_nano_seconds.value <= Number(group("cpuacct", "cpuacct.usage")));
  const pods = await node.client.call("PodSandboxStats", { pod_sandbox_id: pod.id });
  t.is(pods.stats.linux.containers.length, 1);
  await node.client.call("UpdateContainerResources", {
    container_id: guest,
    linux: { cpu_quota: 70_000, cpu_period: 100_000 },
  });
  t.is(group("cpu", "cpu.cfs_quota_us"), "70000");
});

test.serial(
  "what kubelet mounts: ConfigMap, Secret, subPath, emptyDir, hosts and the termination log",
  async (t) => {
    const folder = `${node.folder}/mounts`;
    mkdirSync(`${folder}/config/..2026`, { recursive: true });
    writeFileSync(`${folder}/config/..2026/key`, "of the ConfigMap");
    symlinkSync("..2026", `${folder}/config/..data`);
    symlinkSync("..data/key", `${folder}/config/key`);
    mkdirSync(`${folder}/token`);
    writeFileSync(`${folder}/token/token`, "secret");
    mkdirSync(`${folder}/empty`);
    writeFileSync(`${folder}/hosts`, "10.1.2.3 known-host\n");
    writeFileSync(`${folder}/termination-log`, "");
    const mount = (container_path: string, name: string, readonly: boolean) => ({
      container_path,
      host_path: `${folder}/${name}`,
      readonly,
    });
    const pod = await runPod(t, node);
    const guest = await pod.run("guest", {
      ...serve,
      mounts: [
        mount("/config", "config", true),
        mount("/var/run/secrets/kubernetes.io/serviceaccount", "token", true),
        mount("/single/key", "config/..2026/key", true),
        mount("/scratch", "empty", false),
        mount("/etc/hosts", "hosts", false),
        mount("/dev/termination-log", "termination-log", false),
      ],
    });
    const file = (path: string) => httpGet(`http://${pod.address}/file?path=${path}`);
    t.is(await file("/var/run/secrets/kubernetes.io/serviceaccount/token"), "secret");
    t.is(await file("/single/key"), "of the ConfigMap");
    t.is(await file("/config/..2026/key"), "of the ConfigMap");
    t.is(JSON.parse(await httpGet(`http://${pod.address}/stat?path=/config/key`)).target, "..data/key");
    t.is((await httpGet(`http://${pod.address}/dns?name=known-host`)).trim(), "10.1.2.3");
    const put = { method: "PUT", body: "written", keepalive: false };
    t.true((await fetch(`http://${pod.address}/file?path=/scratch/x&sync=1`, put)).ok);
    await node.client.call("StopContainer", { container_id: guest, timeout: 5 });
    await node.client.call("RemoveContainer", { container_id: guest });
    await eventually(
      "what was written",
      () => readFileSync(`${folder}/empty/x`, "utf8") === "written" || undefined,
    );
    await pod.run("reader", {
      image: { image: BUSYBOX },
      command: ["cat", "/scratch/x"],
      mounts: [mount("/scratch", "empty", false)],
    });
    await eventually("the sidecar's log", () => printed(pod.log("reader")).trim() === "written" || undefined);
  },
);

test.serial(
  "a log that is rotated goes on in a new file, and the last line of a guest that dies is there",
  async (t) => {
    const pod = await runPod(t, node);
    const guest = await pod.run("guest", serve);
    const url = `http://${pod.address}`;
    await httpGet(`${url}/`);
    const log = `${pod.config.log_directory}/guest.log`;
    renameSync(log, `${log}.1`);
    await node.client.call("ReopenContainerLog", { container_id: guest });
    await httpGet(`${url}/print?lines=2000`);
    await fetch(`${url}/exit?code=9`, { keepalive: false }).catch(() => null);
    t.is(await waitForExit(node, guest), 9);
    const text = printed(pod.log("guest"));
    t.deepEqual(
      text.match(/^line \d+$/gm),
      Array.from({ length: 2000 }, (_, index) => `line ${index + 1}`),
    );
    t.regex(text, /halted\n$/);
  },
);

test.serial(
  "what a restricted pod's security context asks for does not keep a unikernel from running",
  async (t) => {
    const pod = await runPod(t, node);
    const security_context = {
      capabilities: { drop_capabilities: ["ALL"] },
      run_as_user: { value: 1000 },
      readonly_rootfs: true,
      supplemental_groups: [1000, 2000],
      no_new_privs: true,
      masked_paths: ["/proc/kcore", "/sys/firmware"],
      readonly_paths: ["/proc/sys"],
      seccomp: { profile_type: 0 },
    };
    await pod.run("guest", { ...serve, linux: { security_context } });
    t.regex(await httpGet(`http://${pod.address}/`), /probe/);
  },
);

test.serial("containerd killed and started again finds its pods, and the guest went on", async (t) => {
  const pod = await runPod(t, node);
  const guest = await pod.run("guest", serve);
  const uptime = async () => Number(/uptime: ([\d.]+)/.exec(await httpGet(`http://${pod.address}/`))?.[1]);
  const before = await uptime();
  await node.restart();
  t.is((await status(guest)).state, "CONTAINER_RUNNING");
  t.true((await uptime()) > before);
  await node.client.call("StopContainer", { container_id: guest, timeout: 5 });
  t.is(await waitForExit(node, guest), 143);
  t.regex(printed(pod.log("guest")), /serving HTTP/);
});

test.serial("pods of the ptp plugin answer too", async (t) => {
  await node.setNetwork("ptp");
  t.teardown(() => node.setNetwork("bridge"));
  const pod = await runPod(t, node);
  t.regex(pod.address, /^10\.67\./);
  const guest = await pod.run("guest", serve);
  t.regex(await httpGet(`http://${pod.address}/`), /probe/);
  t.is((await node.client.call("ExecSync", { container_id: guest, cmd: ["unikrun", "ping"] })).exit_code, 0);
});

test.serial("a removed pod leaves nothing", async (t) => {
  const pod = await runPod(t, node);
  const guest = await pod.run("guest", { args: ["http", "80"] });
  await httpGet(`http://${pod.address}/`);
  await pod.remove();
  t.is(succeed(["sh", "-c", `find /sys/fs/cgroup -name '*${guest}*'`]), "");
  t.is(command(["grep", "-c", guest, "/proc/mounts"]).stdout.trim(), "0");
  t.is(command(["pgrep", "-f", `unikrun-${guest}`]).code, 1);
  t.false(existsSync(`/run/containerd/runc/k8s.io/${guest}`));
  t.false(existsSync(`${node.folder}/state/io.containerd.runtime.v2.task/k8s.io/${guest}`));
  const { containers } = await node.client.call("ListContainers", {});
  t.false(containers.some(({ id }) => id === guest));
});
