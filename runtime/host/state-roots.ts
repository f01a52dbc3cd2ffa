/** Where the engines of a host have their runtimes keep containers' records (--root). */
import { defaultRoot } from "../container/delegate/rootless.ts";
import type { Container } from "../container/record/container.ts";
import { dockerFolder, pathsIn } from "./engine-files.ts";

export interface StateRoot {
  readonly folder: string;
  /** Whose it is, where the folder tells. */
  readonly engine?: string;
}

const SYSTEM_ROOT = "/run/unikrun";

/** Of those that are there: our own, which Podman, CRI-O and people use, Docker's and containerd's. */
export function stateRoots(): StateRoot[] {
  const own = [...new Set([defaultRoot(), SYSTEM_ROOT])].map((folder) => ({ folder }));
  const docker = pathsIn(dockerFolder("exec-root"))
    .filter((folder) => /\/runtime-[^/]+$/.test(folder))
    .flatMap(pathsIn)
    .map((folder) => ({ folder, engine: "docker" }));
  const containerd = pathsIn("/run/containerd/runc").map((folder) => ({
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
