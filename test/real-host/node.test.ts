/** examples/kubernetes/install on a host whose systemd runs its containerd. */
import { resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { kustomize } from "../engine/cri/kustomize.ts";
import type { PodTemplate } from "../engine/cri/manifest.ts";
import { type HostNode, startHostNode } from "./as-node.ts";
import { eventually, httpGet, inHost, succeed } from "./harness.ts";

// After as-node.ts, which has set what they ask for.
const { startPod } = await import("../engine/cri/kubelet.ts");
const { printed } = await import("../engine/cri/pod.ts");

const NAME = "node-1";

/** A pod as examples/kubernetes/install or remove has it. */
function templateOf(folder: "install" | "remove"): PodTemplate {
  const objects = kustomize(resolve(import.meta.dirname, "../../examples/kubernetes", folder));
  const [daemonSet] = objects.filter(({ kind }) => kind === "DaemonSet");
  return (daemonSet as unknown as { spec: { template: PodTemplate } }).spec.template;
}

let node: HostNode;
let before: string[];
const undo = new AsyncDisposableStack();
test.before(async (t) => {
  t.timeout(15 * 60_000);
  node = await startHostNode(NAME, templateOf("install").spec.initContainers?.[0]?.image ?? "", undo);
  before = node.files();
});
test.after.always(async (t) => {
  t.timeout(5 * 60_000);
  await undo.disposeAsync();
});

/** A pod of the DaemonSet to the end of its init container, and what that says. */
async function runNodePod(
  t: ExecutionContext,
  folder: "install" | "remove",
): Promise<{ code: number; log: string }> {
  const { api } = node;
  const pod = await startPod(t, node, templateOf(folder), {
    handler: "",
    nodeName: NAME,
    api,
    data: { "kube-root-ca.crt": { "ca.crt": api.certificate } },
  });
  const container_id = await pod.start("node");
  const code = await eventually(
    folder,
    async () => {
      const { status } = await node.client.call("ContainerStatus", { container_id });
      return status.state === "CONTAINER_EXITED" ? status.exit_code : undefined;
    },
    10 * 60_000,
  );
  const log = printed(succeed(`cat ${pod.folder}/logs/node/*.log`));
  await pod.remove();
  return { code, log };
}

const guestTemplate: PodTemplate = {
  spec: {
    automountServiceAccountToken: false,
    containers: [{ name: "guest", image: "probe", args: ["http", "80"] }],
  },
};

test.serial(
  "install brings unikrun to the node by one restart, and a pod of a unikernel answers",
  async (t) => {
    t.timeout(15 * 60_000);
    const starts = node.starts();
    const { code, log } = await runNodePod(t, "install");
    t.is(code, 0, log);
    t.regex(log, /^ok +QEMU +\d+\.\d+\.\d+,\s+\/opt\/unikrun\/[0-9a-f]{16}\/libexec\//m);
    t.regex(
      log,
      /^node-1: \/etc\/containerd\/config.toml has unikrun now \(\/opt\/unikrun\/current\/bin\/unikrun\)\.$/m,
    );
    t.regex(log, /^node-1: containerd was restarted, and runs; pods went on running\.$/m);
    t.is(node.starts(), starts + 1);
    t.deepEqual(node.api.labels, { "unikrun.org/runtime": "ready" });
    t.notDeepEqual(node.files(), before);
    const guest = await startPod(t, node, guestTemplate, { handler: "unikrun" });
    await guest.start("guest");
    t.regex(await httpGet(`http://${guest.ip}/`), /probe/);
  },
);

test.serial("a second install changes nothing", async (t) => {
  t.timeout(15 * 60_000);
  const [starts, files] = [node.starts(), node.files()];
  const { code, log } = await runNodePod(t, "install");
  t.is(code, 0, log);
  t.regex(log, /containerd was not restarted: it knows unikrun already\./);
  t.is(node.starts(), starts);
  t.deepEqual(node.files(), files);
});

test.serial("remove leaves the node as it was, byte for byte", async (t) => {
  t.timeout(15 * 60_000);
  const starts = node.starts();
  const { code, log } = await runNodePod(t, "remove");
  t.is(code, 0, log);
  t.regex(log, /^node-1: Nothing of unikrun is left on the node\.$/m);
  t.is(node.starts(), starts + 1);
  t.deepEqual(node.api.labels, {});
  t.deepEqual(node.files(), before);
  t.is(inHost("systemctl is-active containerd").stdout.trim(), "active");
});
