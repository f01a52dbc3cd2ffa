/** From linux.cgroupsPath to the place of a container's cgroup; the answers are runc's, since engines compute them too. */
import { joinPaths, parentOf } from "../../../native/paths.ts";
import { UnikrunError } from "../../error.ts";
import { type Hierarchy, ownCgroup } from "./hierarchy.ts";

/**
 * The cgroup of a container: absolute ("/docker/ID") counts from the top of every tree, relative ("ID") from
 * the caller's own cgroup. With `systemd` the text is "slice:prefix:name" and the answer where systemd would
 * put that unit. No text leads out of the tree.
 */
export function cgroupPath(options: {
  id: string;
  cgroupsPath: string | undefined;
  systemd: boolean;
  rootless?: boolean;
}): string {
  const { id, cgroupsPath, systemd } = options;
  if (systemd)
    return systemdPath({ id, unit: cgroupsPath || `:unikrun:${id}`, rootless: options.rootless ?? false });
  if (!cgroupsPath) return id;
  const clean = joinPaths(cgroupsPath);
  return cgroupsPath.startsWith("/") ? clean : clean.slice(1) || id;
}

function systemdPath({ id, unit, rootless }: { id: string; unit: string; rootless: boolean }): string {
  const parts = unit.split(":");
  const [slice = "", prefix = "", name = ""] = parts;
  if (parts.length !== 3 || !name || unit.includes("/")) {
    throw new UnikrunError(
      `Container ${id}: with --systemd-cgroup its linux.cgroupsPath must be "slice:prefix:name", and it is ${JSON.stringify(unit)}.`,
    );
  }
  const folder = expandSlice(slice || (rootless ? "user.slice" : "system.slice"), id);
  return joinPaths(folder, name.endsWith(".slice") ? name : `${prefix}-${name}.scope`);
}

/** "a-b.slice" lies in "a.slice" (systemd.slice(5)): "/a.slice/a-b.slice". "-.slice" is the top. */
function expandSlice(slice: string, id: string): string {
  if (slice === "-.slice") return "/";
  const [, name] = /^([^/]+)\.slice$/.exec(slice) ?? [];
  const components = name?.split("-");
  if (!components || components.includes("")) {
    throw new UnikrunError(
      `Container ${id}: ${JSON.stringify(slice)} in its linux.cgroupsPath is no name of a systemd slice.`,
    );
  }
  return components.map((_, last) => `/${components.slice(0, last + 1).join("-")}.slice`).join("");
}

/**
 * The folder of a cgroup in one tree. `selfCgroup` gives the text of /proc/self/cgroup, asked for a relative
 * path only. In the version 2 tree a relative path counts from the cgroup above the caller's: one that holds
 * processes cannot have limited cgroups in it.
 */
export function cgroupFolder(hierarchy: Hierarchy, path: string, selfCgroup: () => string): string {
  if (path.startsWith("/")) return joinPaths(hierarchy.mountpoint, path);
  const own = ownCgroup(selfCgroup(), hierarchy) ?? hierarchy.root;
  const top = hierarchy.version === 2 ? parentOf(own) : own;
  const isBelow = hierarchy.root === "/" || `${top}/`.startsWith(`${hierarchy.root}/`);
  return joinPaths(
    hierarchy.mountpoint,
    isBelow && hierarchy.root !== "/" ? top.slice(hierarchy.root.length) : isBelow ? top : "",
    path,
  );
}
