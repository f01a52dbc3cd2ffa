/** examples/kubernetes/install, by its own files, on a node that has neither QEMU nor unikrun. */
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { type Api, startApi } from "./cri/api.ts";
import { type KubePod, startPod } from "./cri/kubelet.ts";
import { kustomize } from "./cri/kustomize.ts";
import { bytesOf, type PodTemplate, type Quantities } from "./cri/manifest.ts";
import { pauseImage } from "./cri/node-files.ts";
import { buildNodeImage, nextVersion } from "./cri/node-image.ts";
import { type OwnRoot, startOwnRoot } from "./cri/own-root.ts";
import { printed, waitForExit } from "./cri/pod.ts";
import { busyboxImage, eventually, httpGet, probeImage, repository } from "./harness.ts";

const NAME = "node-1";
const examples = `${repository}/examples/kubernetes`;

function only<Body>(folder: string, kind: string): Body {
  const found = kustomize(folder).filter((object) => object.kind === kind);
  if (found.length !== 1) throw new Error(`there is not one ${kind}`);
  return found[0] as Body;
}

type DaemonSet = { spec: { template: PodTemplate } };
const runtimeClass = only<{
  handler: string;
  scheduling: { nodeSelector: Record<string, string> };
  overhead: { podFixed: Quantities };
}>(`${examples}/install`, "RuntimeClass");
const templateOf = (folder: string): PodTemplate =>
  only<DaemonSet>(`${examples}/${folder}`, "DaemonSet").spec.template;
const [worker] = templateOf("install").spec.initContainers ?? [];
const image = worker?.image ?? "";
const NEXT = "unikrun/node:next";

let node: OwnRoot;
let api: Api;
test.before(async () => {
  node = await startOwnRoot();
  api = startApi("10.66.0.1", NAME);
  buildNodeImage(image);
  nextVersion(image, NEXT);
  node.import([image, NEXT, probeImage(), busyboxImage(), pauseImage()]);
  await node.isReady();
});
test.after.always(async () => {
  api?.[Symbol.dispose]();
  await node?.[Symbol.asyncDispose]();
});

/** A pod of the DaemonSet to the end of its init container, and what that says. */
async function runNodePod(
  t: ExecutionContext,
  folder: "install" | "remove",
  change: Partial<typeof worker> = {},
): Promise<{ pod: KubePod; code: number; log: string }> {
  const template = templateOf(folder);
  const initContainers = (template.spec.initContainers ?? []).map((spec) => ({ ...spec, ...change }));
  const pod = await startPod(
    t,
    node,
    { ...template, spec: { ...template.spec, initContainers } },
    {
      handler: "",
      nodeName: NAME,
      api,
      data: { "kube-root-ca.crt": { "ca.crt": api.certificate } },
    },
  );
  const code = await waitForExit(node, await pod.start("node"));
  return { pod, code, log: printed(pod.log("node")) };
}

const guestTemplate: PodTemplate = {
  spec: {
    automountServiceAccountToken: false,
    containers: [
      { name: "guest", image: "probe", args: ["http", "80"], resources: { limits: { memory: "104Mi" } } },
    ],
  },
};
const startGuest = (t: ExecutionContext): Promise<KubePod> =>
  startPod(t, node, guestTemplate, { handler: runtimeClass.handler });

const current = (): string => readlinkSync(`${node.root}/opt/unikrun/current`);
const ready = runtimeClass.scheduling.nodeSelector;

test.serial(
  "the RuntimeClass has the overhead of the plain one, and leads to nodes that have the label",
  (t) => {
    const plain = Bun.YAML.parse(
      new TextDecoder().decode(Bun.spawnSync(["cat", `${examples}/runtimeclass.yaml`]).stdout),
    ) as typeof runtimeClass;
    t.deepEqual(runtimeClass.overhead, plain.overhead);
    t.true(bytesOf(runtimeClass.overhead.podFixed.memory ?? 0) > 0);
    t.deepEqual(ready, { "unikrun.org/runtime": "ready" });
  },
);

test.serial("only the init container has rights, the node's files and a token", (t) => {
  for (const folder of ["install", "remove"]) {
    const { spec } = templateOf(folder);
    t.is(spec.automountServiceAccountToken, false);
    const [done] = spec.containers;
    t.like(done, { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } });
    t.is(done?.volumeMounts, undefined);
    t.true(spec.initContainers?.[0]?.securityContext?.readOnlyRootFilesystem);
  }
  const { rules } = only<{ rules: unknown }>(`${examples}/install`, "ClusterRole");
  t.deepEqual(rules, [{ apiGroups: [""], resources: ["nodes"], verbs: ["patch"] }]);
});

test.serial(
  "an engine that does not come up with the new configuration has its former one again",
  async (t) => {
    await t.throwsAsync(startGuest(t), { message: /unikrun/ });
    node.refuseRestart();
    const { code, log } = await runNodePod(t, "install");
    t.is(code, 1, log);
    t.regex(log, /node-1: containerd did not come up .*: journalctl -u containerd on the node says why\.\n$/);
    t.deepEqual(api.labels, {});
    t.false(
      node.changes().some((change) => change.startsWith("/etc/")),
      node.changes().join("\n"),
    );
  },
);

test.serial(
  "the DaemonSet's pod brings unikrun, and a pod of a unikernel answers on a node without QEMU",
  async (t) => {
    const starts = node.starts();
    const { pod, code, log } = await runNodePod(t, "install");
    t.is(code, 0, log);
    t.regex(
      log,
      /^ok +QEMU +\d+\.\d+\.\d+,\s+\/opt\/unikrun\/[0-9a-f]{16}\/libexec\/unikrun\/usr\/bin\/qemu-system-x86_64$/m,
    );
    t.regex(
      log,
      /^node-1: \/etc\/containerd\/config.toml has unikrun now \(\/opt\/unikrun\/current\/bin\/unikrun\)\.$/m,
    );
    t.regex(log, /^node-1: containerd was restarted, and runs; pods went on running\.$/m);
    t.deepEqual(api.labels, ready);
    t.is(node.starts(), starts + 1);
    for (const path of ["/etc/containerd/config.toml", "/opt/unikrun/current"])
      t.true(
        node.changes().some((change) => change.startsWith(`${path}: `)),
        path,
      );
    t.is(
      (await node.client.call("ContainerStatus", { container_id: await pod.start("done") })).status.state,
      "CONTAINER_RUNNING",
    );
    const guest = await startGuest(t);
    await guest.start("guest");
    t.regex(await httpGet(`http://${guest.ip}/`), /probe/);
  },
);

test.serial("another unikrun that the engine has already stays what it is", async (t) => {
  const file = `${node.root}/etc/containerd/config.toml`;
  const own = readFileSync(file, "utf8");
  t.teardown(() => writeFileSync(file, own));
  const other = own.replaceAll("/opt/unikrun/current/bin/unikrun", "/usr/bin/unikrun");
  writeFileSync(file, other);
  const { code, log } = await runNodePod(t, "install");
  t.is(code, 1, log);
  t.regex(log, /This node's containerd has a unikrun already, at another place/);
  t.is(readFileSync(file, "utf8"), other);
});

test.serial("a second time nothing changes, and a new version comes beside guests that go on", async (t) => {
  const guest = await startGuest(t);
  const id = await guest.start("guest");
  await httpGet(`http://${guest.ip}/`);
  const [starts, first] = [node.starts(), current()];
  const again = await runNodePod(t, "install");
  t.is(again.code, 0, again.log);
  t.regex(again.log, /has this version already/);
  t.regex(again.log, /containerd was not restarted: it knows unikrun already\./);
  t.is(current(), first);
  const next = await runNodePod(t, "install", { image: NEXT });
  t.is(next.code, 0, next.log);
  t.is(current(), "1111111111111111");
  t.deepEqual(
    readdirSync(`${node.root}/opt/unikrun`)
      .filter((name) => /^[0-9a-f]{16}$/.test(name))
      .sort(),
    [current(), first].sort(),
  );
  t.is(node.starts(), starts);
  t.regex(await httpGet(`http://${guest.ip}/`), /probe/);
  const { exit_code, stdout } = await node.client.call("ExecSync", {
    container_id: id,
    cmd: ["unikrun", "http", "/"],
  });
  t.is(exit_code, 0, `${stdout}`);
});

test.serial(
  "removal waits for the node's unikernels, and then leaves it as it was, byte for byte",
  async (t) => {
    const guest = await startGuest(t);
    await guest.start("guest");
    await httpGet(`http://${guest.ip}/`);
    const early = await runNodePod(t, "remove");
    t.is(early.code, 1);
    t.regex(early.log, /There are unikernels on this node yet/);
    t.deepEqual(api.labels, {});
    t.regex(await httpGet(`http://${guest.ip}/`), /probe/);
    await guest.remove();
    const starts = node.starts();
    const { code, log } = await runNodePod(t, "remove");
    t.is(code, 0, log);
    t.regex(log, /node-1: Nothing of unikrun is left on the node\.\n$/);
    t.is(node.starts(), starts + 1);
    t.deepEqual(node.changes(), []);
    for (const path of ["/run/unikrun", "/run/unikrun-host"]) t.false(existsSync(node.root + path), path);
    await eventually("containerd without it", async () => {
      await t.throwsAsync(startGuest(t), { message: /unikrun/ });
      return true;
    });
    const twice = await runNodePod(t, "remove");
    t.is(twice.code, 0, twice.log);
    t.deepEqual(node.changes(), []);
  },
);
