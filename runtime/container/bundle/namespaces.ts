import type { Directive } from "../../../native/directives.ts";
import { readText, statusOrNull } from "../../../native/files.ts";
import { inNamespace } from "../../../native/process.ts";
import { UnikrunError } from "../../error.ts";
import type { LinuxNamespace, Spec } from "../spec/oci.ts";

/** Of unshare(2). */
const FLAGS = {
  network: 0x40000000,
  pid: 0x20000000,
  ipc: 0x08000000,
  uts: 0x04000000,
  cgroup: 0x02000000,
  mount: 0x00020000,
  time: 0x00000080,
} as const;

/** init enters given namespaces and makes the others, but for that of users. Refuses what a machine can't live in. */
export function namespaceDirectives(id: string, spec: Spec): Directive[] {
  // users.ts has that of users.
  const wanted = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== "user");
  refuseHostNetwork(id, wanted);
  refuseDevices(id, spec);
  const joined = wanted.flatMap((namespace) =>
    namespace.path ? [joinDirective(namespace.type as Kind, checkPath(id, namespace))] : [],
  );
  const flags = wanted
    .filter((namespace) => !namespace.path)
    .reduce((sum, namespace) => sum | FLAGS[namespace.type as Kind], 0);
  return [...joined, ["unshare", String(flags)]];
}

type Kind = keyof typeof FLAGS;

/** Refused by init where the file is a namespace of another kind. */
export const joinDirective = (kind: Kind, path: string): Directive => ["join", `${FLAGS[kind]} ${path}`];

/** The name that a given UTS namespace has: a pod's containers are told none of their own. */
export function givenHostname(spec: Spec): string | undefined {
  const path = spec.linux?.namespaces?.find(({ type }) => type === "uts")?.path;
  if (path === undefined || inode(path) === undefined) return undefined;
  return inNamespace("uts", path, () => readText("/proc/sys/kernel/hostname").trim());
}

/** The network namespace that outlives the container, where the engine gave one. */
export function givenNetns(spec: Spec): string | undefined {
  return spec.linux?.namespaces?.find((namespace) => namespace.type === "network")?.path;
}

export function hasOwn(spec: Spec, type: "mount" | "uts"): boolean {
  return spec.linux?.namespaces?.some((namespace) => namespace.type === type) ?? false;
}

/** Whether what is done to such a namespace of the container's is not done to the host's. */
export function isApart(spec: Spec, type: "ipc" | "network" | "uts"): boolean {
  const found = spec.linux?.namespaces?.find((namespace) => namespace.type === type);
  if (!found?.path) return found !== undefined;
  return !isOfHost(found.path, FILES[type]);
}

const FILES = { ipc: "ipc", network: "net", uts: "uts" } as const;

/** Ours, or that of the host's first process. */
export function isOfHost(path: string, file: string): boolean {
  const given = inode(path);
  return (
    given !== undefined && ["self", "1"].some((process) => given === inode(`/proc/${process}/ns/${file}`))
  );
}

/** The host's links are never touched; and a guest can't listen on the host's addresses. */
function refuseHostNetwork(id: string, namespaces: readonly LinuxNamespace[]): void {
  const network = namespaces.find((namespace) => namespace.type === "network");
  if (network && !(network.path && isOfHost(network.path, FILES.network))) return;
  throw new UnikrunError(
    `Container ${id}: a unikernel can't share the host's network: put it on a network of its own (docker run --network bridge, with -p to publish ports), or on none (--network none).`,
  );
}

/** config-linux.md, Network Devices: they would stay where they are, and the guest would have none of them. */
function refuseDevices(id: string, spec: Spec): void {
  const [name] = Object.keys(spec.linux?.netDevices ?? {});
  if (name === undefined) return;
  throw new UnikrunError(
    `Container ${id}: a unikernel can't be given the host's network device ${JSON.stringify(name)} (linux.netDevices in config.json): put the container on a network.`,
  );
}

/** That of a given one. Throws UnikrunError where there is none. */
export function checkPath(id: string, namespace: LinuxNamespace): string {
  const path = namespace.path ?? "";
  if (inode(path) === undefined) {
    throw new UnikrunError(
      `Container ${id}: its ${namespace.type} namespace ${path} is not there: has the container or sandbox that it belonged to ended?`,
    );
  }
  return path;
}

/** Undefined where it is gone, or not ours to see. */
function inode(path: string): string | undefined {
  const found = statusOrNull(path);
  return found ? `${found.device}/${found.inode}` : undefined;
}
