/** The figures of a cgroup of version 2 (the kernel's Documentation/admin-guide/cgroup-v2.rst), in runc's form. */
import {
  type DeviceFigure,
  deviceLines,
  figure,
  pidsFigure,
  type Reader,
  table,
  UNLIMITED,
} from "./figures.ts";

/** Nanoseconds of CPU time, bytes of memory, bytes and operations of the host's devices, shares of time under pressure. */
export const figuresV2 = (file: Reader) => ({
  cpu: cpu(file),
  memory: memory(file),
  pids: { current: processes(file), limit: pidsFigure(file("pids", "pids.max")) },
  blkio: {
    ioServiceBytesRecursive: devices(file, { rbytes: "Read", wbytes: "Write" }),
    ioServicedRecursive: devices(file, { rios: "Read", wios: "Write" }),
    ...pressure(file, "io"),
  },
});

function cpu(file: Reader) {
  const stat = table(file("cpu", "cpu.stat"));
  const nanoseconds = (name: string): bigint => (stat[name] ?? 0n) * 1000n;
  return {
    usage: {
      total: nanoseconds("usage_usec"),
      kernel: nanoseconds("system_usec"),
      user: nanoseconds("user_usec"),
    },
    throttling: {
      periods: stat.nr_periods ?? 0n,
      throttledPeriods: stat.nr_throttled ?? 0n,
      throttledTime: nanoseconds("throttled_usec"),
    },
    ...pressure(file, "cpu"),
  };
}

/** As in version 1, swap is memory and swap together; of the two's highest sum the kernel does not know. */
function memory(file: Reader) {
  const raw = table(file("memory", "memory.stat"));
  const entry = (kind: string) => ({
    limit: figure(file("memory", `memory.${kind}max`)),
    usage: figure(file("memory", `memory.${kind}current`)),
    max: figure(file("memory", `memory.${kind}peak`)),
    failcnt: 0n,
  });
  const [usage, alone] = [entry(""), entry("swap.")];
  const isUnlimited = usage.limit === UNLIMITED || alone.limit === UNLIMITED;
  const swap = {
    limit: isUnlimited ? UNLIMITED : usage.limit + alone.limit,
    usage: usage.usage + alone.usage,
    max: 0n,
    failcnt: 0n,
  };
  return { cache: raw.file ?? 0n, usage, swap, raw, ...pressure(file, "memory") };
}

/** Without its controller, which counts threads, at least the processes. */
function processes(file: Reader): bigint {
  const counted = file("pids", "pids.current");
  if (counted !== null) return figure(counted);
  return BigInt((file("pids", "cgroup.procs") ?? "").split("\n").filter(Boolean).length);
}

/** "8:0 rbytes=1 wbytes=2 …" */
function devices(file: Reader, names: Readonly<Record<string, string>>): DeviceFigure[] {
  return deviceLines(file("io", "io.stat")).flatMap(({ device, words }) =>
    words.flatMap((word) => {
      const [name = "", value] = word.split("=");
      const op = names[name];
      return op === undefined ? [] : [{ ...device, op, value: figure(value) }];
    }),
  );
}

/** "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and the same of "full" (Documentation/accounting/psi.rst); not on every kernel. */
function pressure(file: Reader, what: "cpu" | "memory" | "io") {
  const text = file(what, `${what}.pressure`);
  if (!text) return {};
  const psi = text.split("\n").flatMap((line) => {
    const [kind = "", ...fields] = line.split(" ");
    if (kind === "") return [];
    const values = fields.map((field) => field.split("="));
    return [[kind, Object.fromEntries(values.map(([name = "", value]) => [name, Number(value)]))] as const];
  });
  return { psi: Object.fromEntries(psi) };
}
