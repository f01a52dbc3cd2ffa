/** examples/kubernetes: its files as they are, with the kubelet's and kube-proxy's parts played, and the probe guest for Nginx. */
import { readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { type KubePod, startPod } from "./cri/kubelet.ts";
import {
  bytesOf,
  type Data,
  milliCores,
  type PodTemplate,
  type Probe,
  type Quantities,
} from "./cri/manifest.ts";
import { type Node, startNode } from "./cri/node.ts";
import { answers } from "./cri/probes.ts";
import { makeService } from "./cri/service.ts";
import { askForEnd, eventually, guestConfig, httpGet, repository } from "./harness.ts";

interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const folder = `${repository}/examples/kubernetes`;
const objects = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .flatMap((name) => Bun.YAML.parse(readFileSync(`${folder}/${name}`, "utf8")) as KubeObject | KubeObject[]);

const all = <Body>(kind: string) => objects.filter((object) => object.kind === kind) as (KubeObject & Body)[];

function only<Body>(kind: string): KubeObject & Body {
  const [object, ...more] = all<Body>(kind);
  if (!object || more.length > 0) throw new Error(`there is not one ${kind}`);
  return object;
}

const runtimeClass = only<{ handler: string; overhead: { podFixed: Required<Quantities> } }>("RuntimeClass");
const deployment = only<{
  spec: { replicas: number; selector: { matchLabels: object }; template: PodTemplate };
}>("Deployment");
const service = only<{
  spec: { selector: object; ports: { port: number; targetPort: string }[] };
}>("Service");
const data: Data = Object.fromEntries([
  ...all<{ data: Data[string] }>("ConfigMap").map((each) => [each.metadata.name, each.data]),
  ...all<{ stringData: Data[string] }>("Secret").map((each) => [each.metadata.name, each.stringData]),
]);

const { template } = deployment.spec;
const [nginx] = template.spec.containers;
if (!nginx) throw new Error("the Deployment has no container");
/** The image that is built from examples/nginx needs a registry. */
const probe = { ...nginx, image: "probe" };
const standIn: PodTemplate = { ...template, spec: { ...template.spec, containers: [probe] } };

let node: Node;
test.before(async () => {
  node = await startNode();
});
test.after.always(() => node?.[Symbol.asyncDispose]());

test.serial("the objects name each other", (t) => {
  t.is(template.spec.runtimeClassName, runtimeClass.metadata.name);
  for (const selector of [deployment.spec.selector.matchLabels, service.spec.selector])
    t.like(template.metadata?.labels, selector);
  t.deepEqual(
    service.spec.ports.map(
      ({ targetPort }) => nginx.ports?.find(({ name }) => name === targetPort)?.containerPort,
    ),
    [80],
  );
  const limit = bytesOf(nginx.resources?.limits?.memory ?? 0);
  const request = bytesOf(nginx.resources?.requests?.memory ?? 0);
  t.is(request + bytesOf(runtimeClass.overhead.podFixed.memory), limit);
});

test.serial(
  "the Deployment's pods start, read what they are given, and answer behind the Service",
  async (t) => {
    const { podFixed } = runtimeClass.overhead;
    const surroundings = {
      data,
      handler: runtimeClass.handler,
      overhead: {
        memory_limit_in_bytes: bytesOf(podFixed.memory),
        cpu_shares: Math.floor((milliCores(podFixed.cpu) * 1024) / 1000),
      },
    };
    const pods: { pod: KubePod; id: string }[] = [];
    for (let i = 0; i < deployment.spec.replicas; i++) {
      const pod = await startPod(t, node, standIn, surroundings);
      pods.push({ pod, id: await pod.start(probe.name) });
    }
    const asked = (pod: KubePod, id: string, which: Probe | undefined) =>
      answers(node, pod, { spec: probe, id }, which ?? {});
    const healthy = async (pod: KubePod, id: string) => {
      for (const which of [probe.startupProbe, probe.readinessProbe, probe.livenessProbe])
        await eventually("a probe's answer", async () => (await asked(pod, id, which)) || undefined);
    };
    for (const { pod, id } of pods) {
      await healthy(pod, id);
      const file = (path: string) => httpGet(`http://${pod.ip}/file?path=${path}`);
      const { target } = JSON.parse(await httpGet(`http://${pod.ip}/stat?path=/data/conf/..data`));
      t.is(await file(`/data/conf/${target}/nginx.conf`), data["nginx-conf"]?.["nginx.conf"] ?? "");
      t.is(await file("/data/www/index.html"), data["nginx-page"]?.["index.html"] ?? "");
      t.regex(await httpGet(`http://${pod.ip}/list?path=/data/secret`), /^l \d+ htpasswd$/m);
      const put = { method: "PUT", body: "x", keepalive: false };
      t.is((await fetch(`http://${pod.ip}/file?path=/data/temp/x`, put)).status, 200);
      t.not((await fetch(`http://${pod.ip}/file?path=/data/conf/x`, put)).status, 200);
      const { disks } = await guestConfig(pod.ip);
      t.false(disks.some(({ mountpoint }) => mountpoint?.includes("serviceaccount")));
      const { memory } = JSON.parse(await httpGet(`http://${pod.ip}/config`));
      const request = bytesOf(nginx.resources?.requests?.memory ?? 0);
      t.true(memory > request - (3 << 20) && memory <= request, `${memory}`);
    }

    using cluster = makeService("10.96.12.34", "10.66.0.0/24");
    cluster.set(pods.map(({ pod }) => pod.ip));
    const names = new Set<string>();
    const whole = pods.map(({ pod }) => pod.name);
    await eventually("an answer of each", async () => {
      const page = await httpGet(`http://${cluster.clusterIP}:${service.spec.ports[0]?.port}/`);
      names.add(/^hostname: (.*)$/m.exec(page)?.[1] ?? "");
      return names.size === whole.length || undefined;
    });
    t.deepEqual([...names].sort(), whole.sort());

    const [first] = pods;
    if (!first) throw new Error("there are pods");
    await askForEnd(`http://${first.pod.ip}/panic`);
    await eventually("a probe that fails", async () =>
      (await asked(first.pod, first.id, probe.livenessProbe)) ? undefined : true,
    );
    await healthy(first.pod, await first.pod.start(probe.name));
  },
);
