/** Linux containers of pods under the handler "unikrun": they have what the node's own runtime gives them. */
import { mkdirSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import type { ContainerConfig, PodConfig } from "./cri/client.ts";
import { type Node, startNode } from "./cri/node.ts";
import { BUSYBOX, printed, runPod, waitForExit } from "./cri/pod.ts";
import { command, engine, succeed } from "./harness.ts";

let node: Node;

test.before(async () => {
  node = await startNode();
});

test.after.always(() => node?.[Symbol.asyncDispose]());

/** "" is the node's own runtime. */
const HANDLERS = ["unikrun", ""];

/** Runs a line of shell in a busybox of a pod of its own, and returns what it printed. */
async function shell(
  t: ExecutionContext,
  handler: string,
  script: string,
  more: { pod?: Partial<PodConfig>; container?: Partial<ContainerConfig> } = {},
): Promise<string> {
  const pod = await runPod(t, node, more.pod, handler);
  const container = { image: { image: BUSYBOX }, command: ["sh", "-c", script], ...more.container };
  await waitForExit(node, await pod.run("shell", container));
  return printed(pod.log("shell"));
}

const SEEN =
  "grep -E '^(Cap|Seccomp|NoNewPrivs|Sig[BI]|Groups)' /proc/self/status; ulimit -a; cut -d' ' -f4- /proc/self/mountinfo | sed 's/ [^ ]*kubepods[^ ]* / /; s/[0-9a-f]\\{64\\}/ID/; s/pod-[0-9-]*/POD/; s/snapshots.[0-9]*/snapshot/'; umask";

test.serial("capabilities, seccomp, limits and mounts are those that runc gives", async (t) => {
  const security_context = {
    namespace_options: {},
    capabilities: { drop_capabilities: ["ALL"], add_capabilities: ["KILL"] },
    no_new_privs: true,
    readonly_rootfs: true,
    seccomp: { profile_type: 0 },
  };
  const [ours, theirs] = await Promise.all(
    HANDLERS.map((handler) => shell(t, handler, SEEN, { container: { linux: { security_context } } })),
  );
  t.regex(theirs ?? "", /^CapEff:\t0000000000000020$/m);
  t.is(ours, theirs);
});

if (engine === "28") {
  test.serial("containerd tells kubelet of recursive read-only mounts and user namespaces", async (t) => {
    const { runtime_handlers } = await node.client.call("Status", {});
    const of = (wanted: string) => runtime_handlers.find(({ name }) => name === wanted)?.features;
    t.deepEqual(of("unikrun"), { recursive_read_only_mounts: true, user_namespaces: true });
    t.deepEqual(of("unikrun"), of(""));
  });

  test.serial("recursiveReadOnly: what is mounted below a volume can't be written either", async (t) => {
    const host_path = `${node.folder}/volumes-rro`;
    mkdirSync(`${host_path}/below`, { recursive: true });
    succeed(["mount", "-t", "tmpfs", "tmpfs", `${host_path}/below`]);
    t.teardown(() => command(["umount", `${host_path}/below`]));
    const mount = { container_path: "/v", host_path, readonly: true };
    const write = "touch /v/below/file && echo written";
    for (const handler of HANDLERS) {
      const recursive = { mounts: [{ ...mount, recursive_read_only: true }] };
      t.regex(await shell(t, handler, write, { container: recursive }), /Read-only file system/, handler);
      t.is(await shell(t, handler, write, { container: { mounts: [mount] } }), "written\n", handler);
    }
  });

  test.serial("hostUsers: false: root of the pod is another user of the node", async (t) => {
    const mapping = [{ host_id: 100_000, container_id: 0, length: 65_536 }];
    const namespace_options = { userns_options: { mode: "POD", uids: mapping, gids: mapping } };
    const security_context = { namespace_options };
    const host_path = `${node.folder}/volumes-users`;
    mkdirSync(host_path);
    const look = "id -u; cat /proc/self/uid_map; stat -c %u /v; touch /v/$HANDLER && echo written";
    for (const handler of HANDLERS) {
      const said = await shell(t, handler, look, {
        pod: { hostname: "", linux: { cgroup_parent: "", security_context } },
        container: {
          linux: { security_context },
          mounts: [{ container_path: "/v", host_path, uidMappings: mapping, gidMappings: mapping }],
          envs: [{ key: "HANDLER", value: `file-${handler}` }],
        },
      });
      t.regex(said, /^0\n\s+0\s+100000\s+65536\n0\nwritten\n$/, handler);
      t.is(succeed(["stat", "-c", "%u", `${host_path}/file-${handler}`]), "0");
    }
  });
}
