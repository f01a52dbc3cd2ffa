/** What a container's or pod's cgroup says itself, whichever version of cgroups the host has. */
import { existsSync, readFileSync } from "node:fs";

const ROOT = "/sys/fs/cgroup";

/** A file's text: of cgroup v2, or of a hierarchy of v1. */
function read(path: string, v2: string, hierarchy: string, v1: string): string {
  const unified = `${ROOT}/${path}/${v2}`;
  return readFileSync(existsSync(unified) ? unified : `${ROOT}/${hierarchy}/${path}/${v1}`, "utf8");
}

const field = (text: string, name: RegExp): number =>
  Number(new RegExp(`^${name.source} (\\d+)$`, "m").exec(text)?.[1]);

/** The working set: what is used but for files that could be dropped. */
export function workingSet(path: string): number {
  const usage = Number(read(path, "memory.current", "memory", "memory.usage_in_bytes"));
  const stat = read(path, "memory.stat", "memory", "memory.stat");
  return usage - field(stat, stat.includes("total_inactive_file") ? /total_inactive_file/ : /inactive_file/);
}

/** Nanoseconds. */
export function processorTime(path: string): number {
  const text = read(path, "cpu.stat", "cpuacct", "cpuacct.usage");
  return text.includes("usage_usec") ? field(text, /usage_usec/) * 1000 : Number(text);
}

/** Bytes, and microseconds in each tenth of a second. */
export const limitsOf = (path: string) => ({
  memory: Number(read(path, "memory.max", "memory", "memory.limit_in_bytes")),
  quota: Number.parseInt(read(path, "cpu.max", "cpu", "cpu.cfs_quota_us"), 10),
});
