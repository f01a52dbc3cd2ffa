/** Where the engines of a host have their runtimes keep containers' records (--root). */
import type { Container } from "../container/record/container.ts";
import { defaultRoot, SYSTEM_ROOT, usersFolder } from "../places.ts";
import { dockerFolder, pathsIn } from "./engine-files.ts";

export interface StateRoot {
  readonly folder: string;
  /** Whose it is, where the folder tells. */
  readonly engine?: string;
}

/** Of those that are there: our own, which Podman, CRI-O and people use, Docker's, also that of the user who calls, and containerd's. */
export function stateRoots(): StateRoot[] {
  const own = [...new Set([defaultRoot(), SYSTEM_ROOT])].map((folder) => ({ folder }));
  const user = usersFolder();
  const docker = [dockerFolder("exec-root"), ...(user === undefined ? [] : [`${user}/docker`])]
    .flatMap(pathsIn)
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
