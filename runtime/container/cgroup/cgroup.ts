import { exists, readText } from "../../../native/files.ts";
import { errorCode, once } from "../../../native/libc.ts";
import { inUserNamespace } from "../../../native/user-namespace.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { Resources } from "../spec/oci.ts";
import { withCurrent } from "./current-v2.ts";
import { readControl, writeControl } from "./files.ts";
import { enableControllers, inheritCpuset, makeFolder, refuseUsed, removeAll } from "./folders.ts";
import { type Hierarchy, mountedHierarchies } from "./hierarchy.ts";
import { limitsV1 } from "./limits-v1.ts";
import { limitsV2 } from "./limits-v2.ts";
import { cgroupFolder } from "./path.ts";
import { folderOf, isFrozen, type Paths, pidsBelow, setFrozen, signalAll } from "./processes.ts";
import type { Setting } from "./setting.ts";

/** A container's cgroup: one folder in every hierarchy of the host. */
export interface Cgroup {
  /** For the container's record; `openCgroup` makes a Cgroup of it again. */
  readonly paths: Paths;
  /** A process of one thread enters the cgroup by writing "0" to each of these. */
  readonly procsFiles: readonly string[];
  /** Of the hierarchies that limit and count; on a hybrid host that is version 1. */
  readonly version: 1 | 2;
  /** Where a controller's files are; undefined where the host lacks it. */
  folderOf(controller: string): string | undefined;
  /** A change of limits with what it leaves as it is, where the kernel has several in one file. */
  completed(resources: Resources): Resources;
  /** Changes limits; throws UnikrunError for one that the kernel refuses. */
  limit(resources: Resources): void;
  exists(): boolean;
  /** The processes in it and below; none where it is gone. */
  pids(): number[];
  /** Sends a signal, by number, to all of them. */
  kill(signal: number): void;
  /** Returns when all of them stand still; throws UnikrunError where that can't be had. */
  freeze(): void;
  thaw(): void;
  isFrozen(): boolean;
  /** Kills what is in it and removes it. Idempotent. */
  destroy(): void;
}

/**
 * Makes the cgroup `path` (see cgroupPath) with these limits, but for devices in version 2, and with no process in it. One that
 * exists is taken over if no process is in it but `holds`. Throws UnikrunError, with nothing left behind.
 */
export function createCgroup(options: {
  path: string;
  resources: Resources;
  holds?: number;
  hierarchies?: readonly Hierarchy[];
}): Cgroup {
  const { path, resources, holds, hierarchies = mountedHierarchies() } = options;
  using undo = new DisposableStack();
  const paths = cgroupPaths(path, hierarchies);
  for (const [key, folder] of Object.entries(paths)) {
    if (!makeIt(folder, undo)) refuseUsed(folder, { [key]: folder }, holds);
  }
  const cgroup = openCgroup(paths);
  const settings = settingsFor(paths, resources);
  for (const hierarchy of hierarchies) prepare(hierarchy, paths, settings);
  apply(paths, settings);
  undo.move();
  return cgroup;
}

/** The folders that the cgroup `path` has, or would have. */
export function cgroupPaths(path: string, hierarchies: readonly Hierarchy[] = mountedHierarchies()): Paths {
  const selfCgroup = once(() => readText("/proc/self/cgroup"));
  return Object.fromEntries(
    hierarchies.map((hierarchy) => [hierarchy.controllers.join(), cgroupFolder(hierarchy, path, selfCgroup)]),
  );
}

/** The cgroup whose `paths` were saved; it need not exist any more. */
export function openCgroup(paths: Paths): Cgroup {
  // All hierarchies have the same processes, so one is asked.
  const main = folderOf(paths, "devices") ?? paths[""] ?? Object.values(paths)[0];
  const folders = main === undefined ? [] : [main];
  return {
    paths,
    // "0" in a `tasks` file of version 1 moves the writer alone, for which the kernel needs no lock on all processes:
    // that lock waits for an RCU grace period, 20 ms here (cgroup_procs_write_start).
    procsFiles: Object.entries(paths).map(
      ([key, folder]) => `${folder}/${key === "" ? "cgroup.procs" : "tasks"}`,
    ),
    version: isLegacy(paths) ? 1 : 2,
    folderOf: (controller) => (isLegacy(paths) ? folderOf(paths, controller) : paths[""]),
    completed: (resources) => completed(paths, resources),
    limit: (resources) => apply(paths, settingsFor(paths, completed(paths, resources))),
    exists: () => Object.values(paths).some(exists),
    pids: () => folders.flatMap(pidsBelow),
    kill: (signal) => signalAll(paths, folders, signal),
    freeze: () => setFrozen(paths, true),
    thaw: () => setFrozen(paths, false),
    isFrozen: () => isFrozen(paths),
    destroy: () => removeAll(paths),
  };
}

const isLegacy = (paths: Paths): boolean => Object.keys(paths).some((key) => key !== "");

function makeIt(folder: string, undo: DisposableStack): boolean {
  try {
    return makeFolder(folder, undo);
  } catch (cause) {
    throw new UnikrunError(
      `The cgroup ${folder} can't be made (${reasonOf(cause)}): is its file system mounted read-only?`,
      {
        cause,
      },
    );
  }
}

function completed(paths: Paths, resources: Resources): Resources {
  const folder = isLegacy(paths) ? undefined : paths[""];
  return folder === undefined ? resources : withCurrent(resources, (file) => readControl(folder, file));
}

function settingsFor(paths: Paths, resources: Resources): Setting[] {
  return isLegacy(paths) ? limitsV1(resources) : limitsV2(resources);
}

/** What must stand before a process can enter or a limit be set. */
function prepare(hierarchy: Hierarchy, paths: Paths, settings: readonly Setting[]): void {
  const folder = paths[hierarchy.controllers.join()] ?? "";
  // On a hybrid host the tree of version 2 counts processes and limits nothing.
  if (hierarchy.version === 2 && !isLegacy(paths)) enableControllers(hierarchy, folder);
  if (hierarchy.controllers.includes("cpuset")) {
    inheritCpuset(folder, hierarchy.mountpoint, (file) => settings.some((setting) => setting.file === file));
  }
}

/** Values that depend on one another (quota and period, memory and swap) may be refused until the other is there. */
function apply(paths: Paths, settings: readonly Setting[]): void {
  const early = settings.filter((setting) => !write(paths, setting, true));
  for (const setting of early) write(paths, setting, false);
}

function write(paths: Paths, setting: Setting, mayBeEarly: boolean): boolean {
  const { controller, file, value, otherwise } = setting;
  const folder = isLegacy(paths) ? folderOf(paths, controller) : paths[""];
  try {
    if (folder === undefined) throw Object.assign(new Error("no such controller"), { code: "ENOENT" });
    writeControl(folder, file, value);
    return true;
  } catch (cause) {
    const code = errorCode(cause);
    if (otherwise === "try" || (code === "ENOENT" && otherwise === "skip")) return true;
    if (code === "EINVAL" && mayBeEarly) return false;
    if (code === "ENOENT" && typeof otherwise === "object")
      return write(paths, { controller, ...otherwise }, mayBeEarly);
    const lacks = inUserNamespace()
      ? `this user was not given the controller ${controller}: leave the limit out, or have it delegated (Delegate=${controller} for user@.service)`
      : `this host's kernel does not offer that (controller ${controller}): leave the limit out`;
    const why =
      code === "ENOENT"
        ? lacks
        : `the kernel refuses it (${reasonOf(cause)}): correct linux.resources in config.json`;
    throw new UnikrunError(
      `${file} can't be set to ${value} in the cgroup ${folder ?? "of the container"}: ${why}.`,
      { cause },
    );
  }
}
