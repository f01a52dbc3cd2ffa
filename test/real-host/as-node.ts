/**
 * The host as a Kubernetes node that has neither unikrun nor QEMU. The kubelet and the API are here, beside the machine: CRI's
 * calls and the API's answers go through ssh.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import type { Api } from "../engine/cri/api.ts";
import type { Client } from "../engine/cri/client.ts";
import { eventually, inHost, quote, succeed } from "./harness.ts";

const outside = { ...process.env };
// The engine tests' kubelet asks for these when it is loaded.
Object.assign(process.env, { UNIKRUN_ENGINE: "26", UNIKRUN_BINARY: "", UNIKRUN_CONTAINERD: "" });
const { startApi } = await import("../engine/cri/api.ts");
const { connect } = await import("../engine/cri/client.ts");
const { isReady, writeNetwork } = await import("../engine/cri/node-files.ts");

/** Where a pod's network has its node. */
const ADDRESS = "10.66.0.1";

/** What tests of other files use, and this node has not. */
const HIDDEN =
  "/usr/bin/unikrun /usr/bin/qemu-system-x86_64 /usr/share/qemu /usr/share/seabios /usr/sbin/e2fsck " +
  "/usr/sbin/debugfs /var/lib/unikrun";
const HIDE = `for path in ${HIDDEN}; do [ ! -e $path ] || mv $path $path.hidden; done`;
const SHOW = `for path in ${HIDDEN}; do [ ! -e $path.hidden ] || { rm -rf $path; mv $path.hidden $path; }; done`;

const LOOKED_AT = "/etc /opt /usr/local /var/lib/unikrun";
const FILES = `{ find ${LOOKED_AT} -printf '%M %U:%G %p %l\\n'; find ${LOOKED_AT} -type f -exec sha256sum {} +; } 2>/dev/null; true`;

const SSHD = "/etc/ssh/sshd_config.d/node.conf";
const NETWORK = "/etc/cni/net.d/10-pods.conflist";
const LEASES = "/run/addresses";
const CGROUPS = "/sys/fs/cgroup/kubepods";

export interface HostNode {
  /** Of volumes and logs, here and in the host. */
  readonly folder: string;
  readonly client: Client;
  readonly api: Api;
  /** How often systemd has started containerd. */
  starts(): number;
  /** All that removal has to leave as it was, with modes, owners and digests, a line each. */
  files(): string[];
}

/** `image` is the node's, which is made here; `undo` gets what makes the host what it was. */
export async function startHostNode(
  name: string,
  image: string,
  undo: AsyncDisposableStack,
): Promise<HostNode> {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-node-`);
  undo.defer(() => rmSync(folder, { recursive: true }));
  undo.defer(() => void inHost(`rm -rf ${folder}; systemctl restart containerd`));
  await importImages(image, `${folder}/images`);
  undo.defer(() => void inHost("ctr -n k8s.io images rm $(ctr -n k8s.io images ls -q)"));
  undo.defer(() => void inHost(`${SHOW}; unikrun install containerd`));
  succeed(`unikrun uninstall containerd && ${HIDE}`);
  undo.defer(
    () =>
      void inHost(
        `rm -r ${NETWORK} ${LEASES}; ip link del cni-test; find ${CGROUPS} -depth -type d -exec rmdir {} +`,
      ),
  );
  writeNetwork(folder, "bridge", LEASES);
  succeed(`mkdir -p /etc/cni/net.d && cat >${NETWORK} && systemctl restart containerd`, {
    stdin: readFileSync(`${folder}/10-pods.conflist`),
  });
  const api = undo.use(startApi(ADDRESS, name));
  // So that pods reach what ssh forwards.
  undo.defer(() => void inHost(`rm ${SSHD}; systemctl restart ssh`));
  succeed(`echo GatewayPorts yes >${SSHD} && systemctl restart ssh`);
  const tunnel = Bun.spawn([
    ...["ssh", "-F", outside.UNIKRUN_HOST ?? "", "-S", "none", "-N", "-o", "ExitOnForwardFailure=yes"],
    ...["-L", `${folder}/containerd.sock:/run/containerd/containerd.sock`],
    ...["-R", `${api.port}:127.0.0.1:${api.port}`, "host"],
  ]);
  undo.defer(() => tunnel.kill());
  const client = undo.use(connect(`${folder}/containerd.sock`));
  await eventually("containerd", () => isReady(client));
  return {
    folder,
    api,
    client: {
      ...client,
      call(method, request) {
        // What the kubelet has written for it.
        if (method === "RunPodSandbox" || method === "CreateContainer") copyFolder(folder);
        return client.call(method, request);
      },
    },
    starts: () => Number(succeed("journalctl -q -o cat -u containerd | grep -c '^Started containerd'")),
    files: () => succeed(FILES).split("\n").sort(),
  };
}

/** Makes them in a private engine, and brings them to the host's containerd. */
async function importImages(image: string, archive: string): Promise<void> {
  const repository = resolve(import.meta.dirname, "../..");
  const script = "test/engine/cri/save-node-images.ts";
  const made = Bun.spawnSync({
    cmd: ["scripts/with-docker", "node_modules/.bin/bun", script, image, archive],
    cwd: repository,
    env: outside,
  });
  if (made.exitCode !== 0) throw new Error(`${script}: ${made.stderr}`);
  succeed("ctr -n k8s.io images import - >/dev/null", { stdin: await Bun.file(archive).bytes() });
  rmSync(archive);
  succeed(
    "ctr -n k8s.io images tag docker.io/library/pause:latest " +
      `"$(containerd config dump | sed -n 's/^ *sandbox_image = .\\(.*\\).$/\\1/p')"`,
  );
}

function copyFolder(folder: string): void {
  const { stdout } = Bun.spawnSync(["tar", "-C", folder, "--exclude=*.sock", "-c", "."]);
  succeed(`mkdir -p ${quote(folder)} && tar -C ${quote(folder)} -xp`, { stdin: stdout });
}
