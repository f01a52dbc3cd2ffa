/** Pods of `hostUsers: false`, which containerd knows since 2: the pause container makes the user namespace, and the guest joins it. */
import { chownSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import type { ContainerConfig, Mount, PodConfig } from "./cri/client.ts";
import { type Node, startNode } from "./cri/node.ts";
import { BUSYBOX, printed, runPod, waitForExit } from "./cri/pod.ts";
import { command, engine, httpGet } from "./harness.ts";
import { LOCALHOST } from "./table/answers.ts";

const ROOT = 100_000;
const MAPPING = [{ host_id: ROOT, container_id: 0, length: 65_536 }];
const SECURITY = { namespace_options: { userns_options: { mode: "POD", uids: MAPPING, gids: MAPPING } } };

const POD: Partial<PodConfig> = { linux: { cgroup_parent: "", security_context: SECURITY } };

const inPod = (config: Partial<ContainerConfig>): Partial<ContainerConfig> => ({
  ...config,
  linux: { security_context: SECURITY },
});

let node: Node;
test.before(async () => {
  node = await startNode();
});
test.after.always(() => node?.[Symbol.asyncDispose]());

/** As the kubelet gives it with such a pod: the owners are those that stand on the volume. */
const mapped = (container_path: string, host_path: string): Mount => ({
  container_path,
  host_path,
  readonly: false,
  uidMappings: MAPPING,
  gidMappings: MAPPING,
});

test.serial(
  "a guest has the pod's address, users and volumes, and a sidecar has it on localhost",
  async (t) => {
    const folder = `${node.folder}/users-data`;
    mkdirSync(folder);
    writeFileSync(`${folder}/file`, "of the volume");
    chownSync(`${folder}/file`, 33, 34);
    const pod = await runPod(t, node, POD);
    const guest = await pod.run("guest", inPod({ args: ["http", "80"], mounts: [mapped("/data", folder)] }));
    const url = `http://${pod.address}`;
    t.like(JSON.parse(await httpGet(`${url}/stat?path=/data/file`)), { uid: 33, gid: 34 });
    await fetch(`${url}/file?path=/data/new&sync=1`, { method: "PUT", body: "new", keepalive: false });
    const [init] = command(["sh", "-c", `grep -l ${guest} /proc/[0-9]*/cgroup`]).stdout.split("\n");
    const pid = /\d+/.exec(init ?? "")?.[0];
    const [, outside] = readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/);
    // An older containerd passes over what it is asked.
    t.is(outside, engine === "20" ? "0" : String(ROOT));
    const told = await node.client.call("ExecSync", {
      container_id: guest,
      cmd: ["unikrun", "http", "/"],
      timeout: 10,
    });
    t.is(told.exit_code, 0, told.stderr.toString());
    const sidecar = await pod.run("sidecar", inPod({ image: { image: BUSYBOX }, command: LOCALHOST }));
    t.is(await waitForExit(node, sidecar), 0);
    t.regex(printed(pod.log("sidecar")), /probe/);
    await node.client.call("StopContainer", { container_id: guest, timeout: 10 });
    t.is(await waitForExit(node, guest), 143);
    await pod.remove();
    const { uid, gid } = lstatSync(`${folder}/new`);
    t.deepEqual([uid, gid], [0, 0]);
  },
);
