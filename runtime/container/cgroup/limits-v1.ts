import { UnikrunError } from "../../error.ts";
import type { Resources } from "../spec/oci.ts";
import { devicesV1 } from "./devices-v1.ts";
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

/** What cgroups of version 1 are told of a container's resources (config-linux.md), in an order that the kernel accepts in a new cgroup. */
export function limitsV1(resources: Resources): Setting[] {
  if (Object.keys(resources.unified ?? {}).length > 0) {
    throw new UnikrunError(
      "linux.resources.unified of config.json can't be used on this host, whose cgroups are of version 1: leave it out, or boot the host with systemd.unified_cgroup_hierarchy=1.",
    );
  }
  return [
    ...memory(resources),
    ...cpu(resources),
    ...settings("cpuset", [
      ["cpuset.cpus", resources.cpu?.cpus || undefined],
      ["cpuset.mems", resources.cpu?.mems || undefined],
    ]),
    ...settings("pids", [["pids.max", pidsLimit(resources.pids?.limit)]]),
    ...blkio(resources),
    ...hugePageLimits(resources.hugepageLimits, "limit_in_bytes"),
    ...network(resources),
    ...rdmaLimits(resources.rdma),
    ...devicesV1(resources.devices),
  ];
}

function memory({ memory }: Resources): Setting[] {
  if (!memory) return [];
  // Engines write -1, some of them unsigned, for: not set.
  const unset = (memory.swappiness ?? -1) < 0 || (memory.swappiness ?? 0) >= 2 ** 63;
  const swappiness = unset ? undefined : memory.swappiness;
  if (swappiness !== undefined && swappiness > 100) {
    throw new UnikrunError(
      `linux.resources.memory.swappiness of config.json is ${swappiness}, and 100 is the most.`,
    );
  }
  return settings("memory", [
    ["memory.limit_in_bytes", nonZero(memory.limit)],
    // Unlimited memory means unlimited swap; a kernel that doesn't count swap needs no word about it.
    memory.limit === -1 && !memory.swap
      ? ["memory.memsw.limit_in_bytes", "-1", "skip"]
      : ["memory.memsw.limit_in_bytes", nonZero(memory.swap)],
    ["memory.soft_limit_in_bytes", nonZero(memory.reservation)],
    ["memory.kmem.tcp.limit_in_bytes", nonZero(memory.kernelTCP), "skip"],
    ["memory.oom_control", memory.disableOOMKiller ? "1" : undefined],
    ["memory.swappiness", swappiness === undefined ? undefined : decimal(swappiness)],
  ]);
}

/** Where the kernel would silently take the nearest value, runc refuses. */
const SHARES = { least: 2, most: 262144 };

function cpu({ cpu }: Resources): Setting[] {
  if (!cpu) return [];
  const shares = cpu.shares;
  if (shares && (shares < SHARES.least || shares > SHARES.most)) {
    throw new UnikrunError(
      `linux.resources.cpu.shares of config.json is ${shares}, and must be from ${SHARES.least} to ${SHARES.most}.`,
    );
  }
  return settings("cpu", [
    ["cpu.rt_period_us", nonZero(cpu.realtimePeriod)],
    ["cpu.rt_runtime_us", nonZero(cpu.realtimeRuntime)],
    ["cpu.shares", nonZero(shares)],
    ["cpu.cfs_period_us", nonZero(cpu.period)],
    ["cpu.cfs_burst_us", cpu.burst === undefined ? undefined : decimal(cpu.burst), "skip"],
    ["cpu.cfs_quota_us", nonZero(cpu.quota)],
    ["cpu.idle", cpu.idle === undefined ? undefined : decimal(cpu.idle)],
  ]);
}

function blkio({ blockIO }: Resources): Setting[] {
  if (!blockIO) return [];
  const weighed = (file: string, device: string | undefined, weight: number | undefined) => {
    const value = weight ? `${device ? `${device} ` : ""}${weight}` : undefined;
    // The BFQ scheduler has files of its own.
    const bfq = file.replace("blkio.", "blkio.bfq.");
    return [file, value, value === undefined ? undefined : { file: bfq, value }] as const;
  };
  const throttles = [
    ["blkio.throttle.read_bps_device", blockIO.throttleReadBpsDevice],
    ["blkio.throttle.write_bps_device", blockIO.throttleWriteBpsDevice],
    ["blkio.throttle.read_iops_device", blockIO.throttleReadIOPSDevice],
    ["blkio.throttle.write_iops_device", blockIO.throttleWriteIOPSDevice],
  ] as const;
  return settings("blkio", [
    weighed("blkio.weight", undefined, blockIO.weight),
    ["blkio.leaf_weight", nonZero(blockIO.leafWeight)],
    ...(blockIO.weightDevice ?? []).flatMap(({ major, minor, weight, leafWeight }) => [
      weighed("blkio.weight_device", `${major}:${minor}`, weight),
      ["blkio.leaf_weight_device", leafWeight ? `${major}:${minor} ${leafWeight}` : undefined] as const,
    ]),
    ...throttles.flatMap(([file, devices]) =>
      (devices ?? []).map((device) => [file, forDevice(device, decimal(device.rate))] as const),
    ),
  ]);
}

function network({ network }: Resources): Setting[] {
  if (!network) return [];
  return [
    ...settings("net_cls", [["net_cls.classid", nonZero(network.classID)]]),
    ...settings(
      "net_prio",
      (network.priorities ?? []).map(
        ({ name, priority }) => ["net_prio.ifpriomap", `${name} ${priority}`] as const,
      ),
    ),
  ];
}
