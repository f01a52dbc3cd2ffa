/** A Kubernetes node without kubelet: containerd with its CRI plugin and a CNI network, in the engine's namespaces. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { importImages } from "../ctr.ts";
import { busyboxImage, command, engine, eventually, probeImage, succeed, unikrun } from "../harness.ts";
import { type Client, connect } from "./client.ts";
import { containerdConfig, isReady, pauseImage, removeNode, writeNetwork } from "./node-files.ts";

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

/** `format` is config.toml's; containerd 2 reads 2 as well. */
export async function startNode(format: 2 | 3 = engine === "20" ? 2 : 3): Promise<Node> {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-node-`);
  // A user namespace's root has to get through.
  chmodSync(folder, 0o711);
  const socket = `${folder}/containerd.sock`;
  mkdirSync(`${folder}/etc/containerd`, { recursive: true });
  mkdirSync(`${folder}/cni`);
  writeFileSync(
    `${folder}/etc/containerd/config.toml`,
    containerdConfig(format, `${folder}/cni`, daemonPart(folder)),
  );
  // Below the prefix too, where install looks whether there is such a program.
  mkdirSync(`${folder}${dirname(unikrun)}`, { recursive: true });
  symlinkSync(unikrun, `${folder}${unikrun}`);
  succeed([unikrun, "install", "containerd", "--prefix", folder, "--binary", unikrun]);
  // dockerd, which is on this node too, has all dropped that passes through and is not its own.
  succeed(["iptables", "-w", "-P", "FORWARD", "ACCEPT"]);
  writeNetwork(`${folder}/cni`, "bridge", `${folder}/ipam`);
  let daemon = await startDaemon(folder, socket);
  importImages([probeImage(), busyboxImage(), pauseImage()], ["--address", socket, "-n", "k8s.io"]);
  const client = connect(socket);
  await isReady(client);
  return {
    folder,
    socket,
    client,
    async setNetwork(kind) {
      writeNetwork(`${folder}/cni`, kind, `${folder}/ipam`);
      // The plugin watches the folder.
      await eventually(`the network ${kind}`, async () => {
        const { info } = await client.call("Status", { verbose: true });
        return info.cniconfig?.includes(`pods-${kind}`) || undefined;
      });
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
      removeNode(folder);
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

const daemonPart = (folder: string): string => `root = "${folder}/root"
state = "${folder}/state"
[grpc]
  address = "${folder}/containerd.sock"
`;
