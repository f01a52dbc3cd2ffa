/** A container's init, in the container's cgroup from its first step on. */
import type { Directive } from "../../../native/directives.ts";
import type { LaunchInit, WhileHeld } from "../../../native/init.ts";
import { UnikrunError } from "../../error.ts";
import { type Cgroup, cgroupPaths, createCgroup, openCgroup } from "../cgroup/cgroup.ts";
import { oomFile } from "../cgroup/oom.ts";
import type { SystemdPlace } from "../cgroup/path.ts";
import { throttlingFile } from "../cgroup/throttling.ts";
import type { Resources } from "../spec/oci.ts";

export interface Launched {
  readonly pid: number;
  readonly cgroup: Cgroup;
}

/** `undo` takes back what was made. Throws UnikrunError. */
export async function launchInCgroup(options: {
  id: string;
  place: { readonly path: string } | SystemdPlace;
  resources: Resources;
  annotations: Readonly<Record<string, string>>;
  launch: LaunchInit;
  directives: readonly Directive[];
  /** Descriptors for init. */
  lent: readonly number[];
  undo: AsyncDisposableStack;
}): Promise<Launched> {
  const { id, place, undo } = options;
  const make = async (resources: Resources, holds?: number): Promise<void> => {
    const made = createCgroup({ path: place.path, resources, ...(holds === undefined ? {} : { holds }) });
    undo.defer(() => made.destroy());
    if (cgroup.version === 1 || !resources.devices) return;
    // Loaded here: version 1 has files for them.
    const { restrictDevices } = await import("../cgroup/devices-v2.ts");
    restrictDevices(cgroup, resources.devices);
  };
  let cgroup = openCgroup(cgroupPaths(place.path));
  const start = async (whileHeld?: WhileHeld): Promise<number> => {
    const enter: Directive[] = cgroup.procsFiles.map((file) => ["cgroup", file]);
    const counts = oomFile(cgroup);
    if (counts !== undefined) enter.push(["oom-counts", counts]);
    const throttling = throttlingFile(cgroup, options.resources);
    if (throttling !== undefined) enter.push(["throttling", throttling]);
    const answer = await options.launch([...enter, ...options.directives], whileHeld, options.lent);
    if ("pid" in answer) return answer.pid;
    throw new UnikrunError(`Container ${id} can't be created: ${answer.error}.`);
  };
  if (!("unit" in place)) {
    try {
      await make(options.resources);
    } catch (cause) {
      const { isWithheld, refuseLimits } = await import("../cgroup/withheld.ts");
      if (!isWithheld(cause)) throw cause;
      refuseLimits(id, options.resources, cause);
      cgroup = openCgroup({});
    }
    return { cgroup, pid: await start() };
  }
  const { startScope, stopScope } = await import("../cgroup/scope.ts");
  const { withWholePercents } = await import("../cgroup/unit-properties.ts");
  const resources = withWholePercents(options.resources);
  // A scope begins with a process in it, and init must be in its cgroup before it makes its namespaces.
  const pid = await start(async (held) => {
    await startScope({ ...options, place, pid: held, resources, version: cgroup.version });
    undo.defer(() => stopScope(place.unit));
    await make(resources, held);
  });
  return { pid, cgroup };
}
