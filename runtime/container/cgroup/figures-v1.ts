/** The figures of a cgroup of version 1 (the kernel's Documentation/admin-guide/cgroup-v1), in runc's form. */
import { type DeviceFigure, deviceLines, figure, pidsFigure, type Reader, table } from "./figures.ts";

/** Nanoseconds of CPU time, bytes of memory, bytes and operations of the host's devices. */
export const figuresV1 = (file: Reader) => ({
  cpu: cpu(file),
  memory: memory(file),
  pids: { current: figure(file("pids", "pids.current")), limit: pidsFigure(file("pids", "pids.max")) },
  blkio: {
    ioServiceBytesRecursive: devices(file, "io_service_bytes"),
    ioServicedRecursive: devices(file, "io_serviced"),
  },
});

function cpu(file: Reader) {
  const throttling = table(file("cpu", "cpu.stat"));
  const ticks = table(file("cpuacct", "cpuacct.stat"));
  const TICK = 10_000_000n;
  return {
    usage: {
      total: figure(file("cpuacct", "cpuacct.usage")),
      kernel: (ticks.system ?? 0n) * TICK,
      user: (ticks.user ?? 0n) * TICK,
    },
    throttling: {
      periods: throttling.nr_periods ?? 0n,
      throttledPeriods: throttling.nr_throttled ?? 0n,
      throttledTime: throttling.throttled_time ?? 0n,
    },
  };
}

function memory(file: Reader) {
  const entry = (kind: string) => ({
    limit: figure(file("memory", `memory.${kind}limit_in_bytes`)),
    usage: figure(file("memory", `memory.${kind}usage_in_bytes`)),
    max: figure(file("memory", `memory.${kind}max_usage_in_bytes`)),
    failcnt: figure(file("memory", `memory.${kind}failcnt`)),
  });
  const raw = table(file("memory", "memory.stat"));
  return { cache: raw.cache ?? 0n, usage: entry(""), swap: entry("memsw."), raw };
}

/** "8:0 Read 4096" */
function devices(file: Reader, what: string): DeviceFigure[] {
  const text = file("blkio", `blkio.throttle.${what}_recursive`) ?? file("blkio", `blkio.throttle.${what}`);
  return deviceLines(text).flatMap(({ device, words: [op = "", value] }) =>
    value === undefined ? [] : [{ ...device, op, value: figure(value) }],
  );
}
