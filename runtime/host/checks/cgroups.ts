import { readTextOrNull } from "../../../native/files.ts";
import { outsideUid } from "../../../native/id-maps.ts";
import { inUserNamespace } from "../../../native/user-namespace.ts";
import { type Hierarchy, mountedHierarchies } from "../../container/cgroup/hierarchy.ts";
import { type Finding, toldBy } from "../finding.ts";

export function checkCgroups(): Finding {
  try {
    const hierarchies = mountedHierarchies();
    const unified = hierarchies.find(({ version }) => version === 2);
    const top = unified && `${unified.mountpoint}${inUserNamespace() ? usersCgroup() : ""}`;
    const offered = readTextOrNull(`${top}/cgroup.controllers`)?.trim().split(" ").filter(Boolean) ?? [];
    return inUserNamespace() ? judgeDelegated(offered) : judgeCgroups(hierarchies, offered);
  } catch (error) {
    const advice = "mount them (mount -t cgroup2 none /sys/fs/cgroup)";
    return { status: "missing", subject: "cgroups", ...toldBy(error, advice), essential: true };
  }
}

/** What systemd's manager of a user has (systemd.special(7)). */
function usersCgroup(): string {
  const uid = outsideUid();
  return `/user.slice/user-${uid}.slice/user@${uid}.service`;
}

/** Of a rootless engine's user, in version 2: version 1 gives users none. */
export function judgeDelegated(controllers: readonly string[]): Finding {
  const lacks = WANTED.filter((name) => !controllers.includes(name));
  const subject = "cgroups";
  if (lacks.length === 0)
    return { status: "ok", subject, fact: `this user was given ${controllers.join(", ")}` };
  return {
    status: "warning",
    subject,
    fact: `this user was not given ${lacks.join(", ")}, whose limits can't be set`,
    advice: `with cgroup v2: systemctl edit user@.service: Delegate=cpu cpuset io memory pids below [Service]`,
  };
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
