/** What a kubelet mounts into every container, and the volumes of a pod. */
import { readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { type KubePod, startPod } from "./cri/kubelet.ts";
import type { Data, PodTemplate } from "./cri/manifest.ts";
import { type Node, startNode } from "./cri/node.ts";
import { writeData } from "./cri/volumes.ts";
import { eventually, guestConfig, httpGet } from "./harness.ts";

let node: Node;
test.before(async () => {
  node = await startNode();
});
test.after.always(() => node?.[Symbol.asyncDispose]());

const GUEST = { name: "guest", image: "probe" };
const SIDECAR = { name: "sidecar", image: "busybox", command: ["sleep", "1000"] };

const podOf = (t: ExecutionContext, spec: PodTemplate["spec"], data: Data = {}): Promise<KubePod> =>
  startPod(t, node, { spec }, { data });

const ask = (pod: KubePod, page: string, path: string) =>
  httpGet(`http://${pod.ip}/${page}?path=${encodeURIComponent(path)}`);

/** A file that the links of a ConfigMap lead to: the probe reads links, and does not follow them. */
async function readLinked(pod: KubePod, folder: string, name: string): Promise<string> {
  const target = async (path: string): Promise<string> => JSON.parse(await ask(pod, "stat", path)).target;
  const [data = "", file] = (await target(`${folder}/${name}`)).split("/");
  return ask(pod, "file", `${folder}/${await target(`${folder}/${data}`)}/${file}`);
}

async function put(pod: KubePod, path: string, content: string): Promise<number> {
  const url = `http://${pod.ip}/file?path=${encodeURIComponent(path)}&sync=1`;
  return (await fetch(url, { method: "PUT", body: content, keepalive: false })).status;
}

test.serial(
  "a guest has what every container gets: names, token, and no trouble with the rest",
  async (t) => {
    const pod = await podOf(t, { containers: [GUEST] });
    await pod.start("guest");
    t.regex(await ask(pod, "file", "/etc/hosts"), new RegExp(`^${pod.ip}\\t${pod.name}$`, "m"));
    t.is((await httpGet(`http://${pod.ip}/dns?name=${pod.name}`)).trim(), pod.ip);
    t.is(await ask(pod, "file", "/etc/hostname"), `${pod.name}\n`);
    t.is(
      await ask(pod, "file", "/etc/resolv.conf"),
      "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
    );
    const account = "/var/run/secrets/kubernetes.io/serviceaccount";
    t.is(await readLinked(pod, account, "namespace"), "default");
    t.not(await put(pod, `${account}/x`, "x"), 200);
    const { disks } = await guestConfig(pod.ip);
    t.deepEqual(disks.map(({ mountpoint, readonly }) => [mountpoint, readonly]).sort(), [
      ["/etc", true],
      [account, true],
    ]);
  },
);

test.serial(
  "ConfigMaps and Secrets are read as folders and as single files, and are new after a restart",
  async (t) => {
    const data = {
      settings: { "app.conf": "color = red\n", "other.conf": "x\n" },
      passwords: { password: "swordfish" },
    };
    const pod = await podOf(
      t,
      {
        containers: [
          {
            ...GUEST,
            volumeMounts: [
              { name: "config", mountPath: "/srv/config" },
              { name: "config", mountPath: "/etc/app/app.conf", subPath: "app.conf", readOnly: true },
              { name: "secret", mountPath: "/srv/secret", readOnly: true },
            ],
          },
        ],
        volumes: [
          { name: "config", configMap: { name: "settings" } },
          { name: "secret", secret: { secretName: "passwords" } },
        ],
      },
      data,
    );
    const guest = await pod.start("guest");
    t.is(await readLinked(pod, "/srv/config", "app.conf"), "color = red\n");
    t.is(await readLinked(pod, "/srv/secret", "password"), "swordfish");
    t.is(await ask(pod, "file", "/etc/app/app.conf"), "color = red\n");
    t.not(await put(pod, "/srv/config/other.conf", "y"), 200);

    writeData(pod.volume("config"), { ...data.settings, "app.conf": "color = blue\n" });
    t.is(await readLinked(pod, "/srv/config", "app.conf"), "color = red\n");
    await pod.end(guest);
    await pod.start("guest");
    t.is(await readLinked(pod, "/srv/config", "app.conf"), "color = blue\n");
  },
);

for (const medium of ["", "Memory"])
  test.serial(
    `an emptyDir${medium && " in memory"} goes from guest to sidecar and to the next guest`,
    async (t) => {
      const volumeMounts = [{ name: "scratch", mountPath: "/srv/data" }];
      const pod = await podOf(t, {
        containers: [
          { ...GUEST, volumeMounts },
          { ...SIDECAR, volumeMounts },
        ],
        volumes: [{ name: "scratch", emptyDir: { medium } }],
      });
      const sidecar = await pod.start("sidecar");
      const shell = async (script: string) => {
        const cmd = ["sh", "-c", script];
        const { stdout } = await node.client.call("ExecSync", { container_id: sidecar, cmd, timeout: 10 });
        return stdout.toString();
      };
      await shell("echo from the sidecar > /srv/data/before");
      const guest = await pod.start("guest");
      t.is(await ask(pod, "file", "/srv/data/before"), "from the sidecar\n");
      t.is(await put(pod, "/srv/data/by guest", "from the guest"), 200);
      // The guest has its own disk as long as it runs.
      t.is(await shell("ls /srv/data"), "before\n");
      await pod.end(guest);
      const seen = await eventually(
        "the guest's file",
        async () => (await shell("cat /srv/data/by*")) || undefined,
      );
      t.is(seen, "from the guest");
      await pod.start("guest");
      t.is(await ask(pod, "file", "/srv/data/by guest"), "from the guest");
    },
  );

test.serial(
  "a file for a termination message stays empty, or is refused where no disk could have it",
  async (t) => {
    const places = {
      "/dev/termination-log": null,
      "/tmp/message": null,
      "/message": /can't be mounted directly below \//,
      "/srv/data/message": /can't be mounted into \/srv\/data, which is a disk that the guest writes/,
    };
    const volumeMounts = [{ name: "scratch", mountPath: "/srv/data" }];
    const pod = await podOf(t, {
      containers: Object.keys(places).map((terminationMessagePath, i) => ({
        ...GUEST,
        name: `guest${i}`,
        volumeMounts,
        terminationMessagePath,
      })),
      volumes: [{ name: "scratch", emptyDir: {} }],
    });
    for (const [i, refusal] of Object.values(places).entries()) {
      if (refusal) {
        await t.throwsAsync(pod.start(`guest${i}`), { message: refusal });
        continue;
      }
      const guest = await pod.start(`guest${i}`);
      t.regex(await httpGet(`http://${pod.ip}/`), /probe/);
      await pod.end(guest);
      t.is(readFileSync(`${pod.folder}/termination-log-guest${i}-0`, "utf8"), "");
    }
  },
);

test.serial(
  "an emptyDir may be where Linux has its own folders, as long as a guest has it too",
  async (t) => {
    const places = ["/run", "/tmp", "/var/cache", "/var/run"];
    const pod = await podOf(t, {
      containers: [{ ...GUEST, volumeMounts: places.map((mountPath, i) => ({ name: `v${i}`, mountPath })) }],
      volumes: places.map((_, i) => ({ name: `v${i}`, emptyDir: {} })),
    });
    const guest = await pod.start("guest");
    await httpGet(`http://${pod.ip}/`);
    for (const place of places) t.is(await put(pod, `${place}/file`, place), 200, place);
    await pod.end(guest);
    for (const [i, place] of places.entries())
      t.is(readFileSync(`${pod.volume(`v${i}`)}/file`, "utf8"), place);
  },
);
