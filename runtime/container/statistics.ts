/** What `events --stats` says of a container, in runc's form (types/events.go of runc). */
import { readTextOrNull } from "../../native/files.ts";
import { isTapName } from "../network/taps.ts";
import { guestDisks, hostDevices } from "./block-statistics.ts";
import { openCgroup } from "./cgroup/cgroup.ts";
import type { Container } from "./state.ts";

/** Numbers of a container's cgroup, its guest's network cards as the container's interfaces count them, and its guest's disks. */
export function statisticsOf(root: string, container: Container) {
  const cgroup = openCgroup(container.cgroup);
  const file = (controller: string, name: string): string | null => {
    const folder = cgroup.folderOf(controller) ?? container.cgroup[""];
    return folder === undefined ? null : readTextOrNull(`${folder}/${name}`);
  };
  const isLegacy = cgroup.folderOf("memory") !== undefined;
  return {
    type: "stats",
    id: container.id,
    data: {
      cpu: isLegacy ? cpuV1(file) : cpuV2(file),
      memory: isLegacy ? memoryV1(file) : memoryV2(file),
      pids: {
        current: number(file("pids", "pids.current")),
        limit: number(file("pids", "pids.max")),
      },
      blkio: hostDevices(file, isLegacy),
      network_interfaces: interfacesOf(container.pid),
      // A frozen VMM answers nobody.
      disks: cgroup.isFrozen() ? [] : guestDisks(root, container),
    },
  };
}

/** How many of the container's processes the kernel has killed for memory; 0 where it does not say. */
export function oomKills(container: Container): number {
  const folder = openCgroup(container.cgroup).folderOf("memory");
  const file = folder ? `${folder}/memory.oom_control` : `${container.cgroup[""]}/memory.events`;
  return table(readTextOrNull(file)).oom_kill ?? 0;
}

type Reader = (controller: string, name: string) => string | null;

/** 0 for what is not there or has no limit, as with runc. */
const number = (text: string | null): number => (/^\d+\s*$/.test(text ?? "") ? Number(text) : 0);

/** "name value" lines. */
function table(text: string | null): Record<string, number> {
  const lines = (text ?? "").split("\n").flatMap((line) => {
    const [name, value] = line.split(" ");
    return name && value ? [[name, Number(value)] as const] : [];
  });
  return Object.fromEntries(lines);
}

/** Nanoseconds, and times of periods. */
function cpuV1(file: Reader) {
  const throttling = table(file("cpu", "cpu.stat"));
  const ticks = table(file("cpuacct", "cpuacct.stat"));
  const TICK = 10_000_000;
  return {
    usage: {
      total: number(file("cpuacct", "cpuacct.usage")),
      kernel: (ticks.system ?? 0) * TICK,
      user: (ticks.user ?? 0) * TICK,
    },
    throttling: {
      periods: throttling.nr_periods ?? 0,
      throttledPeriods: throttling.nr_throttled ?? 0,
      throttledTime: throttling.throttled_time ?? 0,
    },
  };
}

function cpuV2(file: Reader) {
  const stat = table(file("cpu", "cpu.stat"));
  const nanoseconds = (name: string): number => (stat[name] ?? 0) * 1000;
  return {
    usage: {
      total: nanoseconds("usage_usec"),
      kernel: nanoseconds("system_usec"),
      user: nanoseconds("user_usec"),
    },
    throttling: {
      periods: stat.nr_periods ?? 0,
      throttledPeriods: stat.nr_throttled ?? 0,
      throttledTime: nanoseconds("throttled_usec"),
    },
  };
}

/** Bytes. */
function memoryV1(file: Reader) {
  const entry = (kind: string) => ({
    limit: number(file("memory", `memory.${kind}limit_in_bytes`)),
    usage: number(file("memory", `memory.${kind}usage_in_bytes`)),
    max: number(file("memory", `memory.${kind}max_usage_in_bytes`)),
    failcnt: number(file("memory", `memory.${kind}failcnt`)),
  });
  const raw = table(file("memory", "memory.stat"));
  return { cache: raw.cache ?? 0, usage: entry(""), swap: entry("memsw."), raw };
}

function memoryV2(file: Reader) {
  const raw = table(file("memory", "memory.stat"));
  const entry = (kind: string) => ({
    limit: number(file("memory", `memory.${kind}max`)),
    usage: number(file("memory", `memory.${kind}current`)),
    max: number(file("memory", `memory.${kind}peak`)),
    failcnt: 0,
  });
  return { cache: raw.file ?? 0, usage: entry(""), swap: entry("swap."), raw };
}

/** As the guest counts: what the container's interface received, its guest received. */
function interfacesOf(pid: number) {
  const FIELDS = { rx: 0, tx: 8 };
  const lines = (readTextOrNull(`/proc/${pid}/net/dev`) ?? "").split("\n").slice(2);
  return lines.flatMap((line) => {
    const [name = "", rest = ""] = line.split(":").map((part) => part.trim());
    if (name === "" || name === "lo" || isTapName(name)) return [];
    const values = rest.split(/\s+/).map(Number);
    const counters = (at: number) => ({
      bytes: values[at] ?? 0,
      packets: values[at + 1] ?? 0,
      errors: values[at + 2] ?? 0,
      dropped: values[at + 3] ?? 0,
    });
    const [rx, tx] = [counters(FIELDS.rx), counters(FIELDS.tx)];
    return [
      {
        Name: name,
        RxBytes: rx.bytes,
        RxPackets: rx.packets,
        RxErrors: rx.errors,
        RxDropped: rx.dropped,
        TxBytes: tx.bytes,
        TxPackets: tx.packets,
        TxErrors: tx.errors,
        TxDropped: tx.dropped,
      },
    ];
  });
}
