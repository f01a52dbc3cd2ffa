import { readText, statusOrNull } from "../../../native/files.ts";
import { UnikrunError } from "../../error.ts";

/** One mounted tree of cgroups. On a hybrid host the version 2 tree stands, without controllers, beside those of version 1. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** Of version 1: "memory", or "cpu" and "cpuacct" of a tree that they share, or "name=systemd". Empty for version 2. */
  readonly controllers: readonly string[];
  readonly mountpoint: string;
  /** The cgroup that the mount shows at its top: "/" but in containers. */
  readonly root: string;
}

/** The only names that a mount option of version 1 can have and mean a controller (cgroups(7)). */
const CONTROLLERS = new Set([
  ...["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb"],
  ...["memory", "misc", "net_cls", "net_prio", "perf_event", "pids", "rdma"],
]);

let mounted: readonly Hierarchy[] | undefined;

/** The trees that this host has mounted, read once a process. Throws UnikrunError where there is none. */
export function mountedHierarchies(): readonly Hierarchy[] {
  mounted ??= parseHierarchies(readText("/proc/self/mountinfo"), isVisible);
  if (mounted.length > 0) return mounted;
  throw new UnikrunError(
    "No cgroup file system is mounted, so no container can be limited: mount one (mount -t cgroup2 none /sys/fs/cgroup).",
  );
}

/** A mount that another one lies over is still listed. */
const isVisible = (mountpoint: string, device: string): boolean =>
  statusOrNull(mountpoint)?.device === device;

/**
 * The trees in the text of /proc/PID/mountinfo (proc(5)), each once, by its first mount. With version 2 at
 * /sys/fs/cgroup it is the only one that counts; else version 1, and version 2 beside it (hybrid). `device` is
 * "major:minor".
 */
export function parseHierarchies(
  mountinfo: string,
  visible: (mountpoint: string, device: string) => boolean = () => true,
): Hierarchy[] {
  const legacy = new Map<string, Hierarchy>();
  let unified: Hierarchy | undefined;
  for (const line of mountinfo.split("\n")) {
    const found = parseMount(line, visible);
    if (found?.version === 2) {
      if (found.mountpoint === "/sys/fs/cgroup") return [found];
      unified ??= found;
    } else if (found) {
      const key = found.controllers.join();
      if (!legacy.has(key)) legacy.set(key, found);
    }
  }
  return [...legacy.values(), ...(unified ? [unified] : [])];
}

function parseMount(
  line: string,
  visible: (mountpoint: string, device: string) => boolean,
): Hierarchy | undefined {
  // Most lines are not of cgroups, and a busy host has thousands.
  const middle = line.indexOf(" - cgroup");
  if (middle < 0) return undefined;
  const [, , device = "", root = "/", mountpoint = ""] = line.slice(0, middle).split(" ");
  const [type, , options = ""] = line.slice(middle + 3).split(" ");
  const place = { mountpoint: unescapeOctal(mountpoint), root: unescapeOctal(root) };
  if (!visible(place.mountpoint, device)) return undefined;
  if (type === "cgroup2") return { version: 2, controllers: [], ...place };
  const controllers = options
    .split(",")
    .filter((option) => CONTROLLERS.has(option) || option.startsWith("name="));
  return type === "cgroup" && controllers.length > 0 ? { version: 1, controllers, ...place } : undefined;
}

function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The cgroup that a process is in, in one tree, from the text of its /proc/PID/cgroup; undefined where it says nothing of it. */
export function ownCgroup(text: string, hierarchy: Hierarchy): string | undefined {
  const wanted = hierarchy.controllers.join();
  for (const line of text.split("\n")) {
    // ID:CONTROLLERS:PATH, where a path may have colons
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === wanted) return path;
  }
  return undefined;
}
