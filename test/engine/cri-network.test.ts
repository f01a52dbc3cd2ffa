/** Pods on the network: Services, the kubelet's probes, what a sidecar can do, and another CNI plugin. */
import test, { type ExecutionContext } from "ava";
import { type KubePod, startPod } from "./cri/kubelet.ts";
import type { PodTemplate } from "./cri/manifest.ts";
import { type Node, startNode } from "./cri/node.ts";
import { answers } from "./cri/probes.ts";
import { makeService } from "./cri/service.ts";
import { askForEnd, eventually, httpGet } from "./harness.ts";

let node: Node;
test.before(async () => {
  node = await startNode();
});
test.after.always(() => node?.[Symbol.asyncDispose]());

const GUEST = { name: "guest", image: "probe" };
const SIDECAR = { name: "sidecar", image: "busybox", command: ["sleep", "1000"] };

const podOf = (t: ExecutionContext, spec: PodTemplate["spec"]): Promise<KubePod> =>
  startPod(t, node, { spec });

/** What a container's program gets of a page. */
const wget = async (id: string, url: string) => {
  const cmd = ["timeout", "20", "wget", "-qO-", url];
  const { stdout, exit_code } = await node.client.call("ExecSync", { container_id: id, cmd, timeout: 30 });
  return { code: exit_code, stdout: stdout.toString() };
};

test.serial(
  "a Service leads to the guests behind it, from the node, from programs and from guests",
  async (t) => {
    const guest = { containers: [GUEST] };
    const [one, two] = [await podOf(t, guest), await podOf(t, guest)];
    const client = await podOf(t, { containers: [SIDECAR] });
    const shell = await client.start("sidecar");
    for (const pod of [one, two]) {
      await pod.start("guest");
      await httpGet(`http://${pod.ip}/`);
    }
    using service = makeService("10.96.12.34", "10.66.0.0/24");
    const url = `http://${service.clusterIP}/`;
    const ways = {
      node: () => httpGet(url, 1000),
      program: async () => (await wget(shell, url)).stdout,
      // It is behind the Service itself.
      guest: () => httpGet(`http://${one.ip}/connect?host=${service.clusterIP}&port=80&path=/`),
    };
    const nameIn = (page: string) => /^hostname: (.*)$/m.exec(page)?.[1] ?? page;
    service.set([one.ip, two.ip]);
    for (const [from, ask] of Object.entries(ways)) {
      const names = new Set<string>();
      // By chance it could be the same one 40 times: once in half a million million times.
      for (let i = 0; i < 40 && names.size < 2; i++) names.add(nameIn(await ask()));
      t.deepEqual([...names].sort(), [one.name, two.name].sort(), from);
    }
    await two.remove();
    service.set([one.ip]);
    for (const [from, ask] of Object.entries(ways))
      for (let i = 0; i < 4; i++) t.is(nameIn(await ask()), one.name, from);
  },
);

test.serial("probes by HTTP, by TCP and by exec answer as long as the guest does", async (t) => {
  const spec = { ...GUEST, ports: [{ name: "http", containerPort: 80 }] };
  const pod = await podOf(t, { containers: [spec] });
  const probes = [
    { httpGet: { path: "/", port: "http" } },
    { httpGet: { path: "/", port: 80 } },
    { tcpSocket: { port: "http" } },
    { exec: { command: ["unikrun", "http", "/"] } },
  ];
  const all = (id: string) => Promise.all(probes.map((probe) => answers(node, pod, { spec, id }, probe)));
  const first = await pod.start("guest");
  await eventually("answers", async () => ((await all(first)).every(Boolean) ? true : undefined));
  t.false(await answers(node, pod, { spec, id: first }, { httpGet: { path: "/missing", port: 80 } }));
  t.false(await answers(node, pod, { spec, id: first }, { tcpSocket: { port: 81 } }));
  await askForEnd(`http://${pod.ip}/panic`);
  await eventually("no answers", async () => ((await all(first)).some(Boolean) ? undefined : true));
  const second = await pod.start("guest");
  await eventually("answers again", async () => ((await all(second)).every(Boolean) ? true : undefined));
  t.pass();
});

test.serial(
  "a sidecar reaches other sidecars, the guest by localhost, and the world; it is reached where it listens",
  async (t) => {
    const server = await podOf(t, { containers: [GUEST] });
    await server.start("guest");
    await httpGet(`http://${server.ip}/`);
    const serve = [
      "sh",
      "-c",
      "mkdir /tmp/w && echo hello > /tmp/w/index.html && httpd -f -p 8080 -h /tmp/w",
    ];
    const pod = await podOf(t, {
      containers: [SIDECAR, GUEST, { ...SIDECAR, name: "server", command: serve }],
    });
    const sidecar = await pod.start("sidecar");
    await pod.start("server");
    const get = async (url: string) => (await wget(sidecar, url)).stdout;
    t.regex(await get(`http://${server.ip}/`), /probe/);
    await pod.start("guest");
    await httpGet(`http://${pod.ip}/`);
    for (const host of ["127.0.0.1", pod.ip]) {
      t.is(await get(`http://${host}:8080/`), "hello\n");
      t.regex(await get(`http://${host}/`), /probe/);
      t.is((await wget(sidecar, `http://${host}:81/`)).code, 1, "is refused");
    }
    t.regex(await get(`http://${server.ip}/`), /probe/);
    t.is(await httpGet(`http://${pod.ip}:8080/`), "hello\n");
    t.is(
      await httpGet(`http://${server.ip}/connect?host=${pod.ip}&port=8080&path=/`).then(
        (page) => /hello/.exec(page)?.[0],
      ),
      "hello",
    );
  },
);

test.serial("a config.toml of format 2 leads to guests on every containerd", async (t) => {
  await using other = await startNode(2);
  const pod = await startPod(t, other, { spec: { containers: [GUEST] } });
  await pod.start("guest");
  t.regex(await httpGet(`http://${pod.ip}/`), /probe/);
  await pod.remove();
});
