import { UnikrunError } from "../../error.ts";
import type { Resources } from "../spec/oci.ts";
import {
  decimal,
  forDevice,
  hugePageLimits,
  nonZero,
  pidsLimit,
  rdmaLimits,
  type Setting,
  settings,
} from "./setting.ts";

/** What a cgroup of version 2 is told of a container's resources, which the spec expresses in the terms of version 1. */
export function limitsV2(resources: Resources): Setting[] {
  return [
    ...settings("pids", [["pids.max", pidsLimit(resources.pids?.limit)]]),
    ...memory(resources),
    ...io(resources),
    ...cpu(resources),
    ...settings("cpuset", [
      ["cpuset.cpus", resources.cpu?.cpus || undefined],
      ["cpuset.mems", resources.cpu?.mems || undefined],
    ]),
    ...hugePageLimits(resources.hugepageLimits, "max"),
    ...rdmaLimits(resources.rdma),
    ...unified(resources),
  ];
}

const orMax = (value: number | undefined): string | undefined => (value === -1 ? "max" : nonZero(value));

function memory({ memory }: Resources): Setting[] {
  if (!memory) return [];
  const swap = swapLimit(memory.limit ?? 0, memory.swap ?? 0);
  return settings("memory", [
    // A kernel that doesn't count swap is in order when none, or any, is to be had.
    ["memory.swap.max", swap, swap === "max" || swap === "0" ? "skip" : undefined],
    ["memory.max", orMax(memory.limit)],
    ["memory.low", orMax(memory.reservation)],
  ]);
}

/** The spec's swap is memory and swap together; the kernel's is swap alone. Undefined: say nothing. */
function swapLimit(limit: number, swap: number): string | undefined {
  if (swap === -1 || (swap === 0 && limit === -1)) return "max";
  if (swap === 0) return undefined;
  if (limit === -1) return decimal(swap);
  if (limit === 0 || swap < limit) {
    throw new UnikrunError(
      `linux.resources.memory.swap of config.json is ${swap}, and must be at least memory.limit, since it is memory and swap together${limit === 0 ? "; that limit is missing" : `; that limit is ${limit}`}.`,
    );
  }
  return decimal(swap - limit);
}

/**
 * 2..262144 shares, of which 1024 are usual, to a weight of 1..10000, of which 100 is usual. runc since 1.4 (opencontainers/cgroups 0.0.3)
 * and crun since 1.23 take this curve, which meets all three points; the straight line that they took before
 * (1 + (shares - 2) * 9999 / 262142) made 39 of the usual 1024.
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** Microseconds: the kernel's own default (cgroup-v2.rst, cpu.max). */
export const PERIOD = 100_000;

function cpu({ cpu }: Resources): Setting[] {
  if (!cpu) return [];
  const bounded = cpu.quota || cpu.period;
  const quota = cpu.quota && cpu.quota > 0 ? decimal(cpu.quota) : "max";
  return settings("cpu", [
    ["cpu.idle", cpu.idle === undefined ? undefined : decimal(cpu.idle)],
    ["cpu.weight", cpu.shares ? String(cpuWeight(cpu.shares)) : undefined],
    ["cpu.max.burst", cpu.burst === undefined ? undefined : decimal(cpu.burst)],
    ["cpu.max", bounded ? `${quota} ${decimal(cpu.period || PERIOD)}` : undefined],
  ]);
}

/** 10..1000 to 1..10000. */
const ioWeight = (weight: number): number => 1 + Math.trunc(((weight - 10) * 9999) / 990);

function io({ blockIO }: Resources): Setting[] {
  if (!blockIO) return [];
  const weight = blockIO.weight;
  const throttles = [
    ["rbps", blockIO.throttleReadBpsDevice],
    ["wbps", blockIO.throttleWriteBpsDevice],
    ["riops", blockIO.throttleReadIOPSDevice],
    ["wiops", blockIO.throttleWriteIOPSDevice],
  ] as const;
  return settings("io", [
    // Of the schedulers BFQ alone takes the spec's range as it is.
    ...(weight
      ? [["io.bfq.weight", decimal(weight), { file: "io.weight", value: String(ioWeight(weight)) }] as const]
      : []),
    ...(blockIO.weightDevice ?? []).map(
      (device) =>
        [
          "io.bfq.weight",
          device.weight ? forDevice(device, decimal(device.weight)) : undefined,
          "skip",
        ] as const,
    ),
    ...throttles.flatMap(([key, devices]) =>
      (devices ?? []).map(
        (device) => ["io.max", forDevice(device, `${key}=${decimal(device.rate)}`)] as const,
      ),
    ),
  ]);
}

/** Files and values as they are; many lines are as many writes. */
function unified(resources: Resources): Setting[] {
  return Object.entries(resources.unified ?? {}).flatMap(([file, value]) => {
    const [controller = "", parameter] = file.split(".", 2);
    if (!parameter || file.includes("/")) {
      throw new UnikrunError(
        `${JSON.stringify(file)} in linux.resources.unified of config.json is no file of a cgroup: write CONTROLLER.PARAMETER.`,
      );
    }
    return value
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => ({ controller, file, value: line }));
  });
}
