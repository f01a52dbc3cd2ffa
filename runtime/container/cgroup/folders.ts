/** Makes and removes the folders that cgroups are. */
import { makeFolder as makeOne, removeFolder } from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { parentOf } from "../../../native/paths.ts";
import { SIGKILL } from "../../../native/signals.ts";
import { UnikrunError } from "../../error.ts";
import { isGone, readControl, writeControl } from "./files.ts";
import type { Hierarchy } from "./hierarchy.ts";
import { childrenOf, isFrozen, type Paths, pidsBelow, signalAll } from "./processes.ts";

/** Makes a cgroup and those above it that are missing; `undo` removes what was made. Returns false where it was there. */
export function makeFolder(folder: string, undo: DisposableStack): boolean {
  try {
    makeOne(folder);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    if (errorCode(error) !== "ENOENT") throw error;
    makeFolder(parentOf(folder), undo);
    return makeFolder(folder, undo);
  }
  undo.defer(() => void tryRemove(folder));
  return true;
}

/** A process in a cgroup that was there before would be limited, counted and killed as this container's. */
export function refuseUsed(folder: string, paths: Paths, holds?: number): void {
  const pids = pidsBelow(folder).filter((pid) => pid !== holds);
  if (pids.length > 0) {
    throw new UnikrunError(
      `The cgroup ${folder} is not empty (${pids.length === 1 ? `process ${pids[0]} is` : `${pids.length} processes are`} in it): each container needs a cgroup of its own, so give another linux.cgroupsPath or end them.`,
    );
  }
  if (isFrozen(paths)) {
    throw new UnikrunError(
      `The cgroup ${folder} is frozen, so nothing could start in it: thaw it or give another linux.cgroupsPath.`,
    );
  }
}

/** Gives a new cgroup of version 2 every controller that its tree has: each must be enabled in all cgroups above it. */
export function enableControllers(hierarchy: Hierarchy, folder: string): void {
  const offered = readControl(hierarchy.mountpoint, "cgroup.controllers");
  if (!offered || readControl(folder, "cgroup.controllers") === offered) return;
  const wanted = offered.split(" ").map((controller) => `+${controller}`);
  for (const above of ancestors(folder, hierarchy.mountpoint)) {
    if (!enable(above, wanted.join(" "))) for (const one of wanted) enable(above, one);
  }
}

/** What can't be enabled shows when it is needed: its files are missing. */
function enable(folder: string, controllers: string): boolean {
  try {
    writeControl(folder, "cgroup.subtree_control", controllers);
    return true;
  } catch {
    return false;
  }
}

/** The folders above one, from the top of its tree down. */
function ancestors(folder: string, top: string): string[] {
  const parent = parentOf(folder);
  return folder === top ? [] : [...ancestors(parent, top), parent];
}

/**
 * A new cpuset of version 1 has no processors and no memory nodes, and no process can enter it: it and those
 * above get their parent's, but for the files that `settled` names.
 */
export function inheritCpuset(folder: string, top: string, settled: (file: string) => boolean): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    inherit(settled(file) ? parentOf(folder) : folder, top, file);
  }
}

function inherit(folder: string, top: string, file: string): string {
  const own = readControl(folder, file);
  if (own || folder === top) return own ?? "";
  const inherited = inherit(parentOf(folder), top, file);
  writeControl(folder, file, inherited);
  return inherited;
}

/** Milliseconds for which the kernel may call an emptied cgroup busy. */
const CLEARING = 2000;

/** Removes cgroups with all that is below and in them. Idempotent; throws UnikrunError where one can't be had rid of. */
export function removeAll(paths: Paths): void {
  let left = Object.values(paths).filter((folder) => !tryRemove(folder));
  const deadline = performance.now() + CLEARING;
  for (let pause = 0.2; left.length > 0; pause = Math.min(pause * 2, 20)) {
    signalAll(paths, left, SIGKILL);
    left = left.filter((folder) => !removeTree(folder));
    if (left.length === 0) return;
    if (performance.now() > deadline) throw stuck(left);
    Bun.sleepSync(pause);
  }
}

function stuck(folders: readonly string[]): UnikrunError {
  const pids = new Set(folders.flatMap(pidsBelow));
  const who = pids.size > 0 ? `processes ${[...pids].join(", ")} do not die` : "the kernel calls it busy";
  return new UnikrunError(`The cgroup ${folders.join(" and ")} can't be removed: ${who}.`);
}

function removeTree(folder: string): boolean {
  if (tryRemove(folder)) return true;
  for (const child of childrenOf(folder)) removeTree(child);
  return tryRemove(folder);
}

/** True where the folder is gone. */
function tryRemove(folder: string): boolean {
  try {
    removeFolder(folder);
    return true;
  } catch (error) {
    if (isGone(error)) return true;
    if (["EBUSY", "ENOTEMPTY"].includes(errorCode(error))) return false;
    throw error;
  }
}
