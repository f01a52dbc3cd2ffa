/** A Kubernetes node without kubelet: containerd with its CRI plugin and a CNI network, in the engine's namespaces. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { importImages } from "../ctr.ts";
import { busyboxImage, command, engine, eventually, probeImage, succeed, unikrun } from "../harness.ts";
import { type Client, connect } from "./client.ts";

export interface Node extends AsyncDisposable {
  readonly folder: string;
  /** The address of containerd's socket. */
  readonly socket: string;
  readonly client: Client;
  /** Puts another network in the place of the one that new pods get. */
  setNetwork(kind: "bridge" | "ptp"): Promise<void>;
  /** As `kill -9` does, and starts it again. */
  restart(): Promise<void>;
}

export const PAUSE = "docker.io/library/pause:latest";

/** `format` is config.toml's; containerd 2 reads 2 as well. */
export async function startNode(format: 2 | 3 = engine === "20" ? 2 : 3): Promise<Node> {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-node-`);
  // A user namespace's root has to get through.
  chmodSync(folder, 0o711);
  const socket = `${folder}/containerd.sock`;
  mkdirSync(`${folder}/etc/containerd`, { recursive: true });
  mkdirSync(`${folder}/cni`);
  writeFileSync(`${folder}/etc/containerd/config.toml`, format === 2 ? configV2(folder) : configV3(folder));
  // Below the prefix too, where install looks whether there is such a program.
  mkdirSync(`${folder}${dirname(unikrun)}`, { recursive: true });
  symlinkSync(unikrun, `${folder}${unikrun}`);
  succeed([unikrun, "install", "containerd", "--prefix", folder, "--binary", unikrun]);
  // dockerd, which is on this node too, has all dropped that passes through and is not its own.
  succeed(["iptables", "-w", "-P", "FORWARD", "ACCEPT"]);
  writeNetwork(folder, "bridge");
  let daemon = await startDaemon(folder, socket);
  importImages([probeImage(), busyboxImage(), pauseImage()], ["--address", socket, "-n", "k8s.io"]);
  const client = connect(socket);
  await isReady(client);
  return {
    folder,
    socket,
    client,
    async setNetwork(kind) {
      writeNetwork(folder, kind);
      // The plugin watches the folder.
      await Bun.sleep(500);
      await isReady(client);
    },
    async restart() {
      daemon.kill("SIGKILL");
      await daemon.exited;
      daemon = await startDaemon(folder, socket);
      await isReady(client);
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      daemon.kill("SIGTERM");
      await daemon.exited;
      command(["sh", "-c", `grep -o '${folder}[^ ]*' /proc/mounts | sort -r | xargs -r umount -l`]);
      command(["ip", "link", "del", "cni-test"]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startDaemon(folder: string, socket: string) {
  const log = openSync(`${folder}/containerd.log`, "a");
  const daemon = Bun.spawn({
    cmd: ["containerd", "--config", `${folder}/etc/containerd/config.toml`],
    stdio: ["ignore", log, log],
  });
  await eventually("containerd", () => {
    if (daemon.exitCode !== null)
      throw new Error(`containerd ended: ${readFileSync(`${folder}/containerd.log`, "utf8").slice(-2000)}`);
    return command(["ctr", "--address", socket, "version"]).code === 0 || undefined;
  });
  return daemon;
}

const isReady = (client: Client): Promise<true> =>
  eventually("the network", async () => {
    const { status } = await client.call("Status", {});
    return status.conditions.every((each) => each.status || !each.type.endsWith("Ready")) || undefined;
  });

/** A program that does nothing, as Kubernetes' pause. */
function pauseImage(): string {
  const file = `FROM ${busyboxImage()}\nENTRYPOINT ["/bin/sleep", "100000"]\n`;
  succeed(["docker", "build", "-q", "-t", "pause", "-"], file);
  return "pause";
}

const daemonPart = (folder: string, version: number): string => `version = ${version}
root = "${folder}/root"
state = "${folder}/state"
[grpc]
  address = "${folder}/containerd.sock"
`;

/**
 * What both have: no room for lower OOM scores here, and CNI's programs where Debian has them. No runtime is named,
 * as in the files that distributions bring.
 */
const criPart = (folder: string, plugin: string): string => `[plugins."${plugin}"]
  restrict_oom_score_adj = true
  [plugins."${plugin}".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${folder}/cni"
`;

const configV2 = (folder: string): string => `${daemonPart(folder, 2)}
${criPart(folder, "io.containerd.grpc.v1.cri").replace("\n", `\n  sandbox_image = "${PAUSE}"\n`)}
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
`;

const configV3 = (folder: string): string => `${daemonPart(folder, 3)}
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "${PAUSE}"
${criPart(folder, "io.containerd.cri.v1.runtime")}
`;

function writeNetwork(folder: string, kind: "bridge" | "ptp"): void {
  const ipam = {
    type: "host-local",
    dataDir: `${folder}/ipam`,
    ranges: [[{ subnet: kind === "bridge" ? "10.66.0.0/24" : "10.67.0.0/24" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  const plugin =
    kind === "bridge"
      ? { type: kind, bridge: "cni-test", isGateway: true, hairpinMode: true, ipam }
      : { type: kind, ipam };
  const network = { cniVersion: "0.4.0", name: `pods-${kind}`, plugins: [plugin] };
  writeFileSync(`${folder}/cni/10-pods.conflist`, JSON.stringify(network));
}
