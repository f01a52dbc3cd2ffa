/** What every node of the tests has: containerd's configuration, a CNI network, and an image for sandboxes. */
import { rmSync, writeFileSync } from "node:fs";
import { busyboxImage, command, eventually, succeed } from "../harness.ts";
import type { Client } from "./client.ts";

const PAUSE = "docker.io/library/pause:latest";

export const isReady = (client: Client): Promise<true> =>
  eventually("the network", async () => {
    const { status } = await client.call("Status", {});
    return status.conditions.every((each) => each.status || !each.type.endsWith("Ready")) || undefined;
  });

/** What is left of one whose containerd has ended: its mounts, its network and its folder. */
export function removeNode(folder: string): void {
  command(["sh", "-c", `grep -o '${folder}[^ ]*' /proc/mounts | sort -r | xargs -r umount -l`]);
  command(["ip", "link", "del", "cni-test"]);
  rmSync(folder, { recursive: true, force: true });
}

/** A program that does nothing, as Kubernetes' pause. */
export function pauseImage(): string {
  const file = `FROM ${busyboxImage()}\nENTRYPOINT ["/bin/sleep", "100000"]\n`;
  succeed(["docker", "build", "-q", "-t", "pause", "-"], file);
  return "pause";
}

/**
 * What both have: no room for lower OOM scores here, and CNI's programs where Debian has them. No runtime is named,
 * as in the files that distributions bring.
 */
const criPart = (networks: string, plugin: string): string => `[plugins."${plugin}"]
  restrict_oom_score_adj = true
  [plugins."${plugin}".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${networks}"
`;

/** Of `format`, which containerd 2 reads both of; `daemon` is what stands before the plugins. */
export const containerdConfig = (format: 2 | 3, networks: string, daemon = ""): string =>
  format === 2
    ? `version = 2
${daemon}
${criPart(networks, "io.containerd.grpc.v1.cri").replace("\n", `\n  sandbox_image = "${PAUSE}"\n`)}
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
`
    : `version = 3
${daemon}
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "${PAUSE}"
${criPart(networks, "io.containerd.cri.v1.runtime")}
`;

/** A network of pods in a folder that containerd watches; `leases` is a folder for its addresses. */
export function writeNetwork(networks: string, kind: "bridge" | "ptp", leases: string): void {
  const ipam = {
    type: "host-local",
    dataDir: leases,
    ranges: [[{ subnet: kind === "bridge" ? "10.66.0.0/24" : "10.67.0.0/24" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  const plugin =
    kind === "bridge"
      ? { type: kind, bridge: "cni-test", isGateway: true, hairpinMode: true, ipam }
      : { type: kind, ipam };
  const network = { cniVersion: "0.4.0", name: `pods-${kind}`, plugins: [plugin] };
  writeFileSync(`${networks}/10-pods.conflist`, JSON.stringify(network));
}
