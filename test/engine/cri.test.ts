/** Kubernetes' pods, as kubelet makes them: containerd's CRI plugin with the handler "unikrun". */
import { renameSync } from "node:fs";
import test from "ava";
import type { Resources, Usage } from "./cri/client.ts";
import { limitsOf, processorTime, workingSet } from "./cri/figures.ts";
import { type Node, startNode } from "./cri/node.ts";
import { BUSYBOX, printed, runPod, waitForExit } from "./cri/pod.ts";
import { CHANNEL, openStream } from "./cri/stream.ts";
import { traces } from "./cri/traces.ts";
import { askForEnd, eventually, httpGet } from "./harness.ts";

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
    // containerd writes it down when it comes to that.
    await eventually(
      "the guest's log",
      () => /^probe: serving HTTP/m.test(printed(pod.log("guest"))) || undefined,
    );
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
    message: /there is no "cat" in it \(executable file not found in a machine that is one program\)/,
  });
});

test.serial(
  "kubectl exec streams: a session with the console, and a command's words and exit code",
  async (t) => {
    const pod = await runPod(t, node);
    const guest = await pod.run("guest", { args: ["cat"], stdin: true });
    await eventually("the program", () => printed(pod.log("guest")).includes("main()") || undefined);
    const exec = async (tty: boolean, ...cmd: readonly string[]) => {
      const wanted = { container_id: guest, cmd, stdin: true, stdout: true, stderr: !tty, tty };
      return openStream((await node.client.call("Exec", wanted)).url);
    };
    using session = await exec(true, "unikrun", "console");
    session.say(CHANNEL.stdin, "heard\r");
    await session.hear(CHANNEL.stdout, /heard\r\nheard\r\n/);
    using failed = await exec(false, "unikrun", "tcp", "81");
    await failed.ended;
    t.regex(failed.heard(CHANNEL.stderr), /connection refused/);
    const { reason, details } = JSON.parse(failed.heard(CHANNEL.error));
    t.is(reason, "NonZeroExitCode");
    t.deepEqual(details.causes, [{ reason: "ExitCode", message: "1" }]);
  },
);

test.serial(
  "a guest that panics is started again in its sandbox, five times, each with its true code",
  async (t) => {
    const pod = await runPod(t, node);
    for (let attempt = 0; attempt < 5; attempt++) {
      const guest = await pod.run("guest", { ...serve, metadata: { name: "guest", attempt } });
      t.regex(await httpGet(`http://${pod.address}/`), /probe/);
      await askForEnd(`http://${pod.address}/panic`);
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

test.serial("a pod's annotations are heard", async (t) => {
  const pod = await runPod(t, node, { annotations: { "org.unikrun.memory": "96" } });
  await pod.run("guest", serve);
  const { memory } = JSON.parse(await httpGet(`http://${pod.address}/config`));
  t.true(memory > 90 << 20 && memory < 97 << 20, `${memory}`);
});

test.serial(
  "limits are the cgroup's and the guest's, and change as far as a running guest can follow",
  async (t) => {
    const pod = await runPod(t, node);
    const resources = {
      memory_limit_in_bytes: 200 << 20,
      cpu_quota: 50_000,
      cpu_period: 100_000,
      oom_score_adj: 900,
    };
    const guest = await pod.run("guest", { ...serve, linux: { resources } });
    const cgroup = `kubepods/${pod.config.hostname}/${guest}`;
    const { memory } = JSON.parse(await httpGet(`http://${pod.address}/config`));
    t.true(memory > 150 << 20 && memory <= 160 << 20, `${memory}`);
    t.deepEqual(limitsOf(cgroup), { memory: 200 << 20, quota: 50_000 });
    const update = (linux: Resources) =>
      node.client.call("UpdateContainerResources", { container_id: guest, linux });
    await update({ memory_limit_in_bytes: 256 << 20, cpu_quota: 70_000, cpu_period: 100_000 });
    t.deepEqual(limitsOf(cgroup), { memory: 256 << 20, quota: 70_000 });
    await t.throwsAsync(update({ memory_limit_in_bytes: 64 << 20 }), {
      message: /can't be limited to 67108864 bytes of memory: its guest and VMM take up to \d+/,
    });
    t.deepEqual(limitsOf(cgroup), { memory: 256 << 20, quota: 70_000 });
    t.regex(await httpGet(`http://${pod.address}/`), /probe/);
  },
);

test.serial("statistics are those of the cgroups, for a container and for its pod", async (t) => {
  const pod = await runPod(t, node);
  const guest = await pod.run("guest", serve);
  await httpGet(`http://${pod.address}/`);
  const parent = `kubepods/${pod.config.hostname}`;
  const near = async (cgroup: string, stats: () => Promise<Usage>): Promise<void> => {
    const CLOSE = 1 << 20;
    const size = await eventually(`the memory of ${cgroup}`, async () => {
      const { value } = (await stats()).memory.working_set_bytes;
      return Math.abs(value - workingSet(cgroup)) < CLOSE ? value : undefined;
    });
    t.true(size > 10 * CLOSE, `${size}`);
  };
  const ofGuest = async () => (await node.client.call("ContainerStats", { container_id: guest })).stats;
  const ofPod = async () =>
    (await node.client.call("PodSandboxStats", { pod_sandbox_id: pod.id })).stats.linux;
  await near(`${parent}/${guest}`, ofGuest);
  await near(parent, ofPod);
  const least = processorTime(`${parent}/${guest}`);
  const used = (await ofGuest()).cpu.usage_core_nano_seconds.value;
  t.true(least > 0 && used >= least && used <= processorTime(`${parent}/${guest}`), `${used}`);
  t.deepEqual(
    (await ofPod()).containers.map(({ attributes }) => attributes.id),
    [guest],
  );
  const { stats } = await node.client.call("ListContainerStats", {});
  t.true(stats.some(({ attributes }) => attributes.id === guest));
});

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
    // A second try would print them again.
    await httpGet(`${url}/print?lines=2000`, 60_000);
    await askForEnd(`${url}/exit?code=9`);
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

test.serial("pods of the ptp plugin answer, and reach each other", async (t) => {
  await node.setNetwork("ptp");
  t.teardown(() => node.setNetwork("bridge"));
  const pod = await runPod(t, node);
  t.regex(pod.address, /^10\.67\./);
  const guest = await pod.run("guest", serve);
  t.regex(await httpGet(`http://${pod.address}/`), /probe/);
  t.is((await node.client.call("ExecSync", { container_id: guest, cmd: ["unikrun", "ping"] })).exit_code, 0);
  const other = await runPod(t, node);
  await other.run("guest", serve);
  await httpGet(`http://${other.address}/`);
  t.regex(await httpGet(`http://${pod.address}/connect?host=${other.address}&port=80&path=/`), /probe/);
});

test.serial("containers of a pod that share their processes may be guests too", async (t) => {
  const namespace_options = { pid: "POD" };
  const security_context = { namespace_options };
  const pod = await runPod(t, node, { linux: { cgroup_parent: "/kubepods/shared", security_context } });
  const linux = { security_context };
  const sidecar = await pod.run("sidecar", { image: { image: BUSYBOX }, command: ["sleep", "1000"], linux });
  const guest = await pod.run("guest", { ...serve, linux });
  t.regex(await httpGet(`http://${pod.address}/`), /probe/);
  const seen = await node.client.call("ExecSync", { container_id: sidecar, cmd: ["ps"] });
  t.regex(seen.stdout.toString(), /qemu-system/);
  await node.client.call("StopContainer", { container_id: guest, timeout: 5 });
  t.is(await waitForExit(node, guest), 143);
});

test.serial("pods of the node's own runtime run still, once unikrun install was in its file", async (t) => {
  const pod = await runPod(t, node, {}, "");
  await pod.run("hello", { image: { image: BUSYBOX }, command: ["echo", "hello"] });
  await eventually("its log", () => printed(pod.log("hello")) === "hello\n" || undefined);
  t.pass();
});

test.serial("a removed pod leaves nothing: no process, cgroup, namespace, link, mount or file", async (t) => {
  const before = traces(node);
  const pod = await runPod(t, node);
  await pod.run("guest", serve);
  await httpGet(`http://${pod.address}/`);
  t.notDeepEqual(traces(node), before);
  await pod.remove();
  // Shims end a moment after the call that ends them.
  await eventually("no trace", () => Bun.deepEquals(traces(node), before) || undefined).catch(() => null);
  t.deepEqual(traces(node), before);
});
