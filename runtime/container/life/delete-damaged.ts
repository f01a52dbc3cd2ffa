/** The removal of a container whose record can't be read, by what else tells of it. */
import { rmSync } from "node:fs";
import { agreed } from "../../../native/directives.ts";
import { readLink, readTextOrNull } from "../../../native/files.ts";
import { type Descriptor, O_RDONLY, openPath, owned } from "../../../native/libc.ts";
import { connectUnix, listenerOf } from "../../../native/sockets.ts";
import { unwireNetwork } from "../../network/unwire.ts";
import { removeAll } from "../cgroup/folders.ts";
import { mountedHierarchies, ownCgroup } from "../cgroup/hierarchy.ts";
import { cgroupFolder } from "../cgroup/path.ts";
import type { Paths } from "../cgroup/processes.ts";
import { readProcess } from "../record/alive.ts";
import { containerFolder } from "../record/container.ts";
import { isWiring } from "../record/wiring.ts";
import { endInit } from "./end.ts";

/**
 * Ends its init, and with it the machine, if there is one; removes its cgroup, what is left in its network namespace, and its folder. The
 * disks of its volumes stay in the store, and are brought back when the volume is used next.
 */
export function deleteDamaged(root: string, id: string): void {
  const folder = containerFolder(root, id);
  const pid = findInit(folder);
  if (pid !== undefined) {
    const cgroup = cgroupOf(pid, id);
    using netns = openNetns(pid);
    endInit({ id, pid, startTime: readProcess(pid)?.startTime ?? 0, cgroup });
    removeAll(cgroup);
    if (netns)
      unwireNetwork({ netns: `/proc/self/fd/${netns.fd}`, containerId: id, begun: isWiring(root, { id }) });
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Who listens on the container's socket, if that is of the program that this binary carries: none but root has put it there. */
function findInit(folder: string): number | undefined {
  for (const name of [agreed.START_SOCKET, agreed.CONTROL_SOCKET]) {
    try {
      using socket = connectUnix({ folder, name, timeout: 1 });
      const pid = listenerOf(socket.fd);
      if (readLink(`/proc/${pid}/exe`).startsWith("/memfd:unikrun-init")) return pid;
    } catch {
      // There is none of that name, or nobody behind it.
    }
  }
  return undefined;
}

/** Only a cgroup that has the container's name is its own: in a tree that it was not put into, init is in its caller's. */
function cgroupOf(pid: number, id: string): Paths {
  const text = readTextOrNull(`/proc/${pid}/cgroup`) ?? "";
  return Object.fromEntries(
    mountedHierarchies().flatMap((hierarchy) => {
      const path = ownCgroup(text, hierarchy);
      if (!path?.slice(path.lastIndexOf("/")).includes(id)) return [];
      const folder = cgroupFolder(hierarchy, path, () => text);
      return (hierarchy.version === 2 ? [""] : hierarchy.controllers).map((controller) => [
        controller,
        folder,
      ]);
    }),
  );
}

function openNetns(pid: number): Descriptor | undefined {
  try {
    return owned(openPath(`/proc/${pid}/ns/net`, O_RDONLY));
  } catch {
    return undefined;
  }
}
