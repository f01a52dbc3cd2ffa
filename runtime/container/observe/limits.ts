/** What a container may use, as its cgroup has it at the moment, and how often that held it up. */
import { readTextOrNull } from "../../../native/files.ts";
import { type Cgroup, openCgroup } from "../cgroup/cgroup.ts";
import { figure, type Reader, readerOf, table } from "../cgroup/figures.ts";
import type { Container } from "../record/container.ts";

/** What is absent has no limit. */
export interface Limits {
  /** Bytes, of guest and VMM together. */
  readonly memory?: number;
  /** Processors' worth of time, as docker run --cpus has it. */
  readonly cpus?: number;
  /** As in "0-1,4", where those are not all. */
  readonly cpuset?: string;
  readonly pids?: number;
}

/** Of the periods in which it ran, those in which it was stopped for having used up its CPU time, and for how long in all. */
export interface Throttling {
  readonly periods: number;
  readonly throttled: number;
  /** Nanoseconds. */
  readonly time: number;
}

/** Null where the cgroup is gone. */
export function limitsOf({
  cgroup: paths,
}: Pick<Container, "cgroup">): { readonly limits: Limits; readonly throttling: Throttling } | null {
  const cgroup = openCgroup(paths);
  if (!cgroup.exists()) return null;
  const file = readerOf(cgroup);
  const { version } = cgroup;
  return { limits: readLimits(version, file), throttling: readThrottling(version, file) };
}

function readLimits(version: Cgroup["version"], file: Reader): Limits {
  const memory = figure(file("memory", version === 1 ? "memory.limit_in_bytes" : "memory.max"));
  const [quota = "", period = ""] =
    version === 1
      ? [file("cpu", "cpu.cfs_quota_us") ?? "", file("cpu", "cpu.cfs_period_us") ?? ""]
      : (file("cpu", "cpu.max") ?? "").split(" ");
  const cpus = Number.parseInt(quota, 10) / Number.parseInt(period, 10);
  const cpuset = (file("cpuset", "cpuset.cpus") ?? "").trim();
  const all = (readTextOrNull("/sys/devices/system/cpu/online") ?? "").trim();
  const pids = Number.parseInt(file("pids", "pids.max") ?? "", 10);
  return {
    ...(memory > 0n && memory < NO_LIMIT ? { memory: Number(memory) } : {}),
    ...(cpus > 0 ? { cpus } : {}),
    ...(cpuset === "" || cpuset === all ? {} : { cpuset }),
    ...(pids > 0 ? { pids } : {}),
  };
}

/** Version 1 says so by the largest number of pages that there can be. */
const NO_LIMIT = 2n ** 60n;

function readThrottling(version: Cgroup["version"], file: Reader): Throttling {
  const stat = table(file("cpu", "cpu.stat"));
  return {
    periods: Number(stat.nr_periods ?? 0n),
    throttled: Number(stat.nr_throttled ?? 0n),
    time: version === 1 ? Number(stat.throttled_time ?? 0n) : Number(stat.throttled_usec ?? 0n) * 1000,
  };
}
