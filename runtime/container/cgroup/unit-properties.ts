/** What systemd is told of a container's limits: unit properties in place of cgroup files (systemd.resource-control(5)). */
import type { Resources } from "../spec/oci.ts";
import { limitsV2, PERIOD } from "./limits-v2.ts";

/** A property's name, and its value behind a D-Bus signature. */
export type UnitProperty = readonly [name: string, variant: readonly [signature: string, value: unknown]];

const INFINITY = 2n ** 64n - 1n;

const number = (text: string): bigint => (text === "max" ? INFINITY : BigInt(text));

const as64 =
  (name: string) =>
  (value: string): UnitProperty[] => [[name, ["t", number(value)]]];

/** By file of version 2, whatever the host's cgroups are: systemd translates. What is not here is known to the kernel alone. */
const PROPERTIES: Readonly<Record<string, (value: string) => UnitProperty[]>> = {
  "memory.max": as64("MemoryMax"),
  "memory.low": as64("MemoryLow"),
  "memory.min": as64("MemoryMin"),
  "memory.high": as64("MemoryHigh"),
  "memory.swap.max": as64("MemorySwapMax"),
  "pids.max": as64("TasksMax"),
  "cpu.weight": as64("CPUWeight"),
  // systemd's word for cpu.idle is no weight at all.
  "cpu.idle": (value) => (value === "1" ? [["CPUWeight", ["t", 0n]]] : []),
  "cpu.max": quota,
  "cpuset.cpus": (value) => [["AllowedCPUs", ["ay", bitsOf(value)]]],
  "cpuset.mems": (value) => [["AllowedMemoryNodes", ["ay", bitsOf(value)]]],
  // runc leaves it out, and loses it at systemd's next daemon-reload.
  "io.weight": as64("IOWeight"),
};

/**
 * `version` is that of the host's cgroups: only in version 1 shares of the processor are no weight, and systemd's way from the one
 * to the other is not ours. Throws UnikrunError for limits that limitsV2 refuses.
 */
export function resourceProperties(resources: Resources, version: 1 | 2): UnitProperty[] {
  const known = limitsV2({ ...resources, devices: [] })
    .map(({ file, value, otherwise }) => (typeof otherwise === "object" ? otherwise : { file, value }))
    .filter(({ file }) => PROPERTIES[file]);
  // Of two that are one property to systemd the stronger holds.
  const isIdle = known.some(({ file, value }) => file === "cpu.idle" && value === "1");
  const shares: UnitProperty[] =
    version === 1 && resources.cpu?.shares ? [["CPUShares", ["t", BigInt(resources.cpu.shares)]]] : [];
  const told = known
    .filter(({ file }) => !((isIdle || version === 1) && file === "cpu.weight"))
    .flatMap(({ file, value }) => PROPERTIES[file]?.(value.trim()) ?? []);
  return [...told, ...shares];
}

/** systemd counts in percents of a processor: microseconds of a second. */
const PERCENT = 10_000;

/** The resources with a CPU quota that systemd can express, as runc rounds it up, so that what we write is what systemd knows. */
export function withWholePercents(resources: Resources): Resources {
  const { cpu } = resources;
  if (!cpu?.quota || cpu.quota < 0) return resources;
  const period = cpu.period || PERIOD;
  const percents = Math.ceil(Math.floor((cpu.quota * 1_000_000) / period) / PERCENT);
  return { ...resources, cpu: { ...cpu, quota: Math.floor((percents * PERCENT * period) / 1_000_000) } };
}

/** Of "50000 100000", or "max". */
function quota(value: string): UnitProperty[] {
  const [most = "max", period = String(PERIOD)] = value.split(/\s+/);
  const perSecond = most === "max" ? INFINITY : (BigInt(most) * 1_000_000n) / BigInt(period);
  return [
    ["CPUQuotaPeriodUSec", ["t", BigInt(period)]],
    ["CPUQuotaPerSecUSec", ["t", perSecond]],
  ];
}

/** A set as "0-2,7" in bits, the first byte's lowest first; what is no such set is left for the kernel to refuse. */
function bitsOf(set: string): Buffer {
  const ranges = set.split(",").flatMap((part) => {
    const [, first, last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    return first === undefined ? [] : [{ first: Number(first), last: Math.min(Number(last), MOST_BITS) }];
  });
  const bits = Buffer.alloc(Math.floor(Math.max(-1, ...ranges.map(({ last }) => last)) / 8) + 1);
  for (const { first, last } of ranges) {
    for (let bit = first; bit <= last; bit++) bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return bits;
}

/** No kernel has as many processors. */
const MOST_BITS = 65_535;
