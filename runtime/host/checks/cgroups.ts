import { readTextOrNull } from "../../../native/files.ts";
import { type Hierarchy, mountedHierarchies } from "../../container/cgroup/hierarchy.ts";
import { type Finding, toldBy } from "../finding.ts";

export function checkCgroups(): Finding {
  try {
    const hierarchies = mountedHierarchies();
    const unified = hierarchies.find(({ version }) => version === 2);
    const ofUnified = unified ? readTextOrNull(`${unified.mountpoint}/cgroup.controllers`) : null;
    return judgeCgroups(hierarchies, ofUnified?.trim().split(" ").filter(Boolean) ?? []);
  } catch (error) {
    const advice = "mount them (mount -t cgroup2 none /sys/fs/cgroup)";
    return { status: "missing", subject: "cgroups", ...toldBy(error, advice), essential: true };
  }
}

/** Those that engines set limits by. */
const WANTED = ["cpu", "cpuset", "memory", "pids"];

/** `unified` are the controllers of version 2. */
export function judgeCgroups(hierarchies: readonly Hierarchy[], unified: readonly string[]): Finding {
  const versions = new Set(hierarchies.map(({ version }) => version));
  const layout = versions.size === 2 ? "versions 1 and 2 (hybrid)" : `version ${[...versions].join()}`;
  const controllers = [...new Set([...hierarchies.flatMap((each) => each.controllers), ...unified])]
    .filter((name) => !name.startsWith("name="))
    .sort();
  const lacks = WANTED.filter((name) => !controllers.includes(name));
  const fact = `${layout}: ${controllers.join(", ") || "no controllers"}`;
  if (lacks.length === 0) return { status: "ok", subject: "cgroups", fact };
  return {
    status: "warning",
    subject: "cgroups",
    fact: `${fact}; without ${lacks.join(", ")}, whose limits can't be set`,
    advice: "switch them on where the kernel is started (as in cgroup_enable=memory)",
  };
}
