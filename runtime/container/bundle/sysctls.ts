import type { Directive } from "../../../native/directives.ts";
import { UnikrunError } from "../../error.ts";
import type { Spec } from "../spec/oci.ts";
import { isApart } from "./namespaces.ts";

/** Of System V's and POSIX's inter-process communication (ipc_namespaces(7)). */
const OF_IPC = /^(kernel\/(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\/mqueue\/.+)$/;

/**
 * linux.sysctl, for init to set in the container's namespaces. Refuses what would set it for the host or another container, as runc does
 * (libcontainer/configs/validate).
 */
export const sysctlDirectives = (id: string, spec: Spec): Directive[] =>
  Object.entries(spec.linux?.sysctl ?? {}).map(([name, value]) => {
    const path = pathOf(name);
    const why = whyRefused(path, spec);
    if (why === null) return ["sysctl", `${path}=${value}`] as const;
    throw new UnikrunError(
      `Container ${id}: the sysctl ${JSON.stringify(name)} (linux.sysctl in config.json) ${why}: leave it out.`,
    );
  });

/** Below /proc/sys. As sysctl(8) has it, the first of dots and slashes separates, and the other stands for a dot in a name. */
const pathOf = (name: string): string =>
  /^[^.]*\//.test(name) ? name : name.replace(/[./]/g, (each) => (each === "." ? "/" : "."));

function whyRefused(path: string, spec: Spec): string | null {
  if (/(^|\/)\.{0,2}(\/|$)|[=\0]/.test(path)) return "is no sysctl's name";
  if (OF_IPC.test(path))
    return isApart(spec, "ipc") ? null : "would be the host's, whose IPC namespace it shares";
  if (path.startsWith("net/"))
    return isApart(spec, "network") ? null : "would be the host's, whose network it shares";
  if (path === "kernel/domainname")
    return isApart(spec, "uts") ? null : "would be the host's, whose UTS namespace it shares";
  if (path === "kernel/hostname") return "contradicts the host name of config.json";
  return "is of the host's whole kernel, not of a container's namespaces";
}
