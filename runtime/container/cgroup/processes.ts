import { listFolders } from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { sendSignal } from "../../../native/process.ts";
import { SIGKILL } from "../../../native/signals.ts";
import { UnikrunError } from "../../error.ts";
import { isGone, readControl, writeControl } from "./files.ts";

/** The folders of one cgroup, by hierarchy: "" for version 2, else the controllers, as in "cpu,cpuacct". */
export type Paths = Readonly<Record<string, string>>;

export function folderOf(paths: Paths, controller: string): string | undefined {
  return Object.entries(paths).find(([key]) => key.split(",").includes(controller))?.[1];
}

/** The processes in a cgroup and below it; empty where it is gone. */
export function pidsBelow(folder: string): number[] {
  return [...pidsIn(folder), ...childrenOf(folder).flatMap(pidsBelow)];
}

function pidsIn(folder: string): number[] {
  let text: string | undefined;
  try {
    text = readControl(folder, "cgroup.procs");
  } catch (error) {
    // A threaded cgroup of version 2 lists threads only (cgroup-v2.rst, Threads).
    if (errorCode(error) !== "EOPNOTSUPP" && errorCode(error) !== "ENOTSUP") throw error;
    text = readControl(folder, "cgroup.threads");
  }
  // A process of a pid namespace above ours is shown as 0, which no signal may be sent to: it means ourselves.
  return (text ?? "")
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
}

export function childrenOf(folder: string): string[] {
  try {
    return listFolders(folder).map((name) => `${folder}/${name}`);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Sends a signal to every process in the folders and below; SIGKILL also ends those that are frozen, or that fork. */
export function signalAll(paths: Paths, folders: readonly string[], signal: number): void {
  const isKill = signal === SIGKILL;
  const unified = paths[""];
  if (isKill && unified !== undefined && tryWrite(unified, "cgroup.kill", "1")) {
    thawAll(paths);
    return;
  }
  // What is frozen can't fork while its list is read.
  if (isKill) tryFreeze(paths);
  for (const pid of new Set(folders.flatMap(pidsBelow))) {
    if (pid !== process.pid) signalOne(pid, signal);
  }
  if (isKill) thawAll(paths);
}

export function signalOne(pid: number, signal: number): void {
  try {
    sendSignal(pid, signal);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}

function tryFreeze(paths: Paths): void {
  try {
    setFrozen(paths, true);
  } catch {
    // Killing one by one is what is left.
  }
}

/** Version 1 keeps deadly signals for later where it freezes, which may also be further down. */
function thawAll(paths: Paths): void {
  setFrozen(paths, false);
  const freezer = folderOf(paths, "freezer");
  if (freezer !== undefined) for (const child of childrenOf(freezer)) thawAll({ freezer: child });
}

function tryWrite(folder: string, file: string, value: string): boolean {
  try {
    writeControl(folder, file, value);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Milliseconds that a cgroup may take to freeze; a machine that is stopped by it takes none. */
const FREEZING = 2000;

/** How a cgroup is frozen and thawed, and how the kernel says that all of it stands still. */
export interface Freezer {
  readonly folder: string;
  readonly file: string;
  readonly freeze: string;
  readonly thaw: string;
  readonly report: string;
  /** A line of `report`. */
  readonly frozen: string;
}

/** Undefined where the kernel has none. */
export function freezerOf(paths: Paths): Freezer | undefined {
  const legacy = folderOf(paths, "freezer");
  const folder = legacy ?? paths[""];
  if (folder === undefined) return undefined;
  if (legacy === undefined)
    return {
      folder,
      file: "cgroup.freeze",
      freeze: "1",
      thaw: "0",
      report: "cgroup.events",
      frozen: "frozen 1",
    };
  const file = "freezer.state";
  return { folder, file, freeze: "FROZEN", thaw: "THAWED", report: file, frozen: "FROZEN" };
}

/** Freezes a cgroup and waits until all of it stands still, or thaws it. Thawing one that is gone is no error. */
export function setFrozen(paths: Paths, frozen: boolean): void {
  const freezer = freezerOf(paths);
  if (!freezer && !frozen) return;
  if (!freezer) throw new UnikrunError("This host's kernel has no freezer, so a container can't be paused.");
  const { folder, file, freeze, thaw } = freezer;
  const written = tryWrite(folder, file, frozen ? freeze : thaw);
  if (!frozen) return;
  if (!written) throw new UnikrunError(`The cgroup ${folder} can't be frozen: it has no file ${file}.`);
  const deadline = performance.now() + FREEZING;
  // Who had to wait for his turn himself looks once more.
  for (let late = false; !isFrozen(paths); late = performance.now() > deadline) {
    if (late) {
      tryWrite(folder, file, thaw);
      throw new UnikrunError(`The cgroup ${folder} does not freeze: a process in it is stuck in the kernel.`);
    }
    Bun.sleepSync(1);
    // Version 1 misses processes that appear while it freezes, until it is told again.
    tryWrite(folder, file, freeze);
  }
}

/** Whether all of a cgroup stands still. */
export function isFrozen(paths: Paths): boolean {
  const freezer = freezerOf(paths);
  if (!freezer) return false;
  return readControl(freezer.folder, freezer.report)?.split("\n").includes(freezer.frozen) ?? false;
}
