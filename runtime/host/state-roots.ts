/** Where the engines of a host have their runtimes keep containers' records (--root). */
import { listFolder, readTextOrNull } from "../../native/files.ts";
import { defaultRoot } from "../container/delegate/rootless.ts";
import type { Container } from "../container/record/container.ts";

export interface StateRoot {
  readonly folder: string;
  /** Whose it is, where the folder tells. */
  readonly engine?: string;
}

const SYSTEM_ROOT = "/run/unikrun";

/** Of those that are there: our own, which Podman, CRI-O and people use, Docker's and containerd's. */
export function stateRoots(): StateRoot[] {
  const own = [...new Set([defaultRoot(), SYSTEM_ROOT])].map((folder) => ({ folder }));
  const docker = foldersIn(dockerFolder())
    .filter((folder) => /\/runtime-[^/]+$/.test(folder))
    .flatMap(foldersIn)
    .map((folder) => ({ folder, engine: "docker" }));
  const containerd = foldersIn("/run/containerd/runc").map((folder) => ({
    folder,
    engine: engineOfNamespace(folder.slice(folder.lastIndexOf("/") + 1)),
  }));
  return [...own, ...docker, ...containerd];
}

/** As containerd's clients name them. */
function engineOfNamespace(namespace: string): string {
  if (namespace === "moby") return "docker";
  if (namespace === "k8s.io") return "kubernetes";
  return namespace === "default" ? "containerd" : `containerd/${namespace}`;
}

/** Who made a container in a folder that several use, by its annotations. */
export function engineOf({ engine }: StateRoot, { annotations }: Pick<Container, "annotations">): string {
  if (engine !== undefined) return engine;
  const manager = annotations["io.container.manager"];
  if (manager === "libpod") return "podman";
  return manager === "cri-o" ? "kubernetes" : "by hand";
}

/** dockerd's --exec-root. */
const dockerFolder = (): string => dockerSetting("exec-root") ?? "/run/docker";

/** A folder that daemon.json names; undefined where it does not. */
export function dockerSetting(name: "exec-root" | "data-root"): string | undefined {
  try {
    const settings = JSON.parse(readTextOrNull("/etc/docker/daemon.json") ?? "{}") as Record<string, unknown>;
    const value = settings[name];
    return typeof value === "string" && value.startsWith("/") ? value : undefined;
  } catch {
    return undefined;
  }
}

function foldersIn(folder: string): string[] {
  try {
    return listFolder(folder)
      .sort()
      .map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}
