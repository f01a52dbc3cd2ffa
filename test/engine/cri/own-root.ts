/**
 * A node with a root of its own, in which nobody knows unikrun and QEMU: process 1 has containerd run, at its usual places, and
 * `systemctl` asks it to. What is written on it lies in a folder, so that a test can say what has changed.
 */
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { readIfThere } from "../../proc.ts";
import { importImages } from "../ctr.ts";
import { command, engine, eventually, succeed } from "../harness.ts";
import { type Client, connect } from "./client.ts";
import { described } from "./described.ts";
import { containerdConfig, isReady, removeNode, writeNetwork } from "./node-files.ts";

export interface OwnRoot extends AsyncDisposable {
  readonly folder: string;
  readonly client: Client;
  /** The node's root, seen from here. */
  readonly root: string;
  import(images: readonly string[]): void;
  /** How often containerd was started. */
  starts(): number;
  /** Has `systemctl restart` fail the next time. */
  refuseRestart(): void;
  isReady(): Promise<unknown>;
  /** What is not as it was before, a line for each; but for engines' own folders. */
  changes(): string[];
}

const HIDDEN = [
  "/usr/bin/qemu-system-x86_64",
  "/usr/share/qemu",
  "/usr/share/seabios",
  "/usr/sbin/e2fsck",
  "/usr/sbin/debugfs",
  "/etc/unikrun",
  "/var/lib/unikrun",
];

/** What engines and their pods write, in memory; their images are on disk. */
const IN_MEMORY = ["/run", "/tmp", "/var/lib/cni", "/var/log"];
const IMAGES = "/var/lib/containerd";

const INIT = `#!/bin/bash
mount --make-rshared /
while :; do
  containerd >>/var/log/containerd.log 2>&1 &
  echo $! >/run/containerd.pid
  echo >>/run/starts
  wait $!
done
`;

/** As far as it is of use for one unit: a restart is done when the engine answers. */
const SYSTEMCTL = `#!/bin/bash
pid=$(cat /run/containerd.pid)
case "$*" in
  "is-active --quiet containerd") ctr version >/dev/null 2>&1 ;;
  "show --property MainPID --value containerd") echo "$pid" ;;
  "restart containerd")
    ! rm /run/refuse 2>/dev/null || exit 1
    kill "$pid"
    for try in {1..600}; do
      [ "$(cat /run/containerd.pid)" = "$pid" ] || ! ctr version >/dev/null 2>&1 || exit 0
      sleep 0.1
    done
    exit 1
    ;;
  *) exit 4 ;;
esac
`;

export async function startOwnRoot(): Promise<OwnRoot> {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-node-`);
  const [root, before, layers] = [`${folder}/root`, `${folder}/before`, `${folder}/layers`];
  for (const path of [root, before, layers, `${folder}/images`]) mkdirSync(path);
  // Layers must not be parts of each other.
  succeed(["mount", "-t", "tmpfs", "layers", layers]);
  const [prepared, upper, work] = [`${layers}/prepared`, `${layers}/upper`, `${layers}/work`];
  for (const path of [prepared, upper, work]) mkdirSync(path);
  prepare(prepared);
  const lower = `lowerdir=${prepared}:/`;
  succeed(["mount", "-t", "overlay", "-o", lower, "before", before]);
  succeed(["mount", "-t", "overlay", "-o", `${lower},upperdir=${upper},workdir=${work}`, "node", root]);
  for (const path of IN_MEMORY) succeed(["mount", "-t", "tmpfs", "node", root + path]);
  for (const path of ["/dev", "/sys"]) succeed(["mount", "--rbind", path, root + path]);
  succeed(["mount", "--bind", `${folder}/images`, root + IMAGES]);
  // Volumes and logs have the same path there.
  mkdirSync(root + folder);
  succeed(["mount", "--bind", folder, root + folder]);
  succeed(["iptables", "-w", "-P", "FORWARD", "ACCEPT"]);
  const enter = `mount -t proc proc ${root}/proc && cd ${root} && mkdir run/outside && pivot_root . run/outside &&
    umount -l run/outside && exec /usr/local/sbin/node-init`;
  const init = Bun.spawn({
    cmd: ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", enter],
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const socket = `${root}/run/containerd/containerd.sock`;
  await eventually("containerd", () => {
    if (init.exitCode !== null) throw new Error(`the node ended with ${init.exitCode}`);
    return command(["ctr", "--address", socket, "version"]).code === 0 || undefined;
  });
  const client = connect(socket);
  return {
    folder,
    client,
    root,
    import: (images) => importImages(images, ["--address", socket, "-n", "k8s.io"]),
    starts: () => readIfThere(`${root}/run/starts`).length,
    refuseRestart: () => writeFileSync(`${root}/run/refuse`, ""),
    isReady: () => isReady(client),
    changes: () =>
      (readdirSync(upper, { recursive: true }) as string[])
        .map((path) => ({ path, was: described(`${before}/${path}`), is: described(`${root}/${path}`) }))
        .filter(({ was, is }) => was !== is)
        .map(({ path, was, is }) => `/${path}: ${was} -> ${is}`),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      init.kill("SIGKILL");
      await init.exited;
      removeNode(folder);
    },
  };
}

/** The layer between this host and the node: what an administrator wrote, and no QEMU. */
function prepare(layer: string): void {
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(layer + path), { recursive: true });
    writeFileSync(layer + path, text, { mode });
  };
  write("/etc/containerd/config.toml", containerdConfig(engine === "20" ? 2 : 3, "/etc/cni/net.d"), 0o640);
  write("/usr/local/sbin/node-init", INIT, 0o755);
  write("/usr/bin/systemctl", SYSTEMCTL, 0o755);
  mkdirSync(`${layer}/etc/cni/net.d`, { recursive: true });
  writeNetwork(`${layer}/etc/cni/net.d`, "bridge", "/run/addresses");
  for (const path of [...IN_MEMORY, IMAGES]) mkdirSync(layer + path, { recursive: true });
  for (const path of HIDDEN) {
    mkdirSync(dirname(layer + path), { recursive: true });
    // A file that is gone, as overlayfs has it.
    succeed(["mknod", layer + path, "c", "0", "0"]);
  }
}
