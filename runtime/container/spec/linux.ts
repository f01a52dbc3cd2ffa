import { absolutePath, all, list, map, object, oneOf, text, unique, whole } from "./check.ts";
import type { NamespaceType } from "./oci.ts";
import { id } from "./process.ts";
import { checkResources } from "./resources.ts";

const NAMESPACES: readonly NamespaceType[] = [
  "pid",
  "network",
  "mount",
  "ipc",
  "uts",
  "user",
  "cgroup",
  "time",
];

/** The specification's words, and the recursive ones that runc takes and engines write. */
const PROPAGATIONS = [
  "",
  "shared",
  "slave",
  "private",
  "unbindable",
  "rshared",
  "rslave",
  "rprivate",
  "runbindable",
];

/** User namespace mappings, of the container or of a mount. */
export const idMappings = list(object({ hostID: id, containerID: id, size: id }));

/** linux (config-linux.md). What only a Linux program would feel is checked as far as a wrong type would hide a mistake. */
export const checkLinux = object(
  {},
  {
    namespaces: all(list(object({ type: oneOf(NAMESPACES) }, { path: absolutePath })), unique("type")),
    uidMappings: idMappings,
    gidMappings: idMappings,
    devices: list(
      object(
        { type: text, path: absolutePath },
        { major: whole(), minor: whole(), fileMode: whole(0), uid: id, gid: id },
      ),
    ),
    cgroupsPath: text,
    resources: checkResources,
    rootfsPropagation: oneOf(PROPAGATIONS),
    seccomp: object({ defaultAction: text }),
    sysctl: map(text),
    maskedPaths: list(absolutePath),
    readonlyPaths: list(absolutePath),
    mountLabel: text,
    netDevices: map(object({}, { name: text })),
  },
);
