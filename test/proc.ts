/** What /proc says of processes. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A file of /proc or /sys, or nothing where it went away meanwhile. */
export function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** All processes that this one sees. */
export const pids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

export const childrenOf = (pid: number): number[] =>
  readIfThere(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);

/** The VMM of a running container, by its init. */
export function vmmOf(init: number): number {
  const [vmm] = childrenOf(init);
  if (vmm === undefined) throw new Error(`process ${init} has no child`);
  return vmm;
}

/** Whether some process has this file open. */
export const isOpen = (path: string): boolean =>
  pids().some((pid) => namesIn(`/proc/${pid}/fd`).some((each) => leadsTo(`/proc/${pid}/fd/${each}`, path)));

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function leadsTo(link: string, path: string): boolean {
  try {
    return readlinkSync(link) === path;
  } catch {
    return false;
  }
}
