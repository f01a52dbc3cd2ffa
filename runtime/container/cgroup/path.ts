/** From linux.cgroupsPath to the place of a container's cgroup; the answers are runc's, since engines compute them too. */
import { joinPaths, parentOf } from "../../../native/paths.ts";
import { UnikrunError } from "../../error.ts";
import { type Hierarchy, ownCgroup } from "./hierarchy.ts";

/**
 * The cgroup of a container: absolute ("/docker/ID") counts from the top of every tree, relative ("ID") from
 * the caller's own cgroup. No text leads out of the tree.
 */
export function cgroupPath({ id, cgroupsPath }: { id: string; cgroupsPath: string | undefined }): string {
  if (!cgroupsPath) return id;
  const clean = joinPaths(cgroupsPath);
  return cgroupsPath.startsWith("/") ? clean : clean.slice(1) || id;
}

/** A unit of systemd's, the slice that it is in, and where its cgroup is. */
export interface SystemdPlace {
  readonly unit: string;
  readonly slice: string;
  readonly path: string;
}

/** With --systemd-cgroup linux.cgroupsPath is "slice:prefix:name", as in "system.slice:docker:ID"; `top` is the manager's own cgroup. */
export function systemdPlace({
  id,
  cgroupsPath,
  top = "/",
}: {
  id: string;
  cgroupsPath: string | undefined;
  top?: string;
}): SystemdPlace {
  const text = cgroupsPath || `:unikrun:${id}`;
  const parts = text.split(":");
  const [slice = "", prefix = "", name = ""] = parts;
  if (parts.length !== 3 || !name || text.includes("/") || name.endsWith(".slice")) {
    throw new UnikrunError(
      `Container ${id}: with --systemd-cgroup its linux.cgroupsPath must be "slice:prefix:name" of a scope, and it is ${JSON.stringify(text)}.`,
    );
  }
  const unit = `${prefix}-${name}.scope`;
  const parent = slice || (top === "/" ? "system.slice" : "user.slice");
  return { unit, slice: parent, path: joinPaths(top, expandSlice(parent, id), unit) };
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
