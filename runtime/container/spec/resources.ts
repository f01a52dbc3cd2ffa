import { flag, list, map, matching, object, text, whole } from "./check.ts";

const device = { major: whole(), minor: whole() };
const throttles = list(object({ ...device, rate: whole(0) }));

/** linux.resources (config-linux.md, Control groups). */
export const checkResources = object(
  {},
  {
    devices: list(object({ allow: flag }, { type: text, major: whole(), minor: whole(), access: text })),
    memory: object(
      {},
      {
        limit: whole(),
        reservation: whole(),
        swap: whole(),
        kernel: whole(),
        kernelTCP: whole(),
        swappiness: whole(0),
        disableOOMKiller: flag,
        useHierarchy: flag,
        checkBeforeUpdate: flag,
      },
    ),
    cpu: object(
      {},
      {
        shares: whole(0),
        quota: whole(),
        burst: whole(0),
        period: whole(0),
        realtimeRuntime: whole(),
        realtimePeriod: whole(0),
        cpus: text,
        mems: text,
        idle: whole(),
      },
    ),
    pids: object({}, { limit: whole() }),
    blockIO: object(
      {},
      {
        weight: whole(0, 65535),
        leafWeight: whole(0, 65535),
        weightDevice: list(object(device, { weight: whole(0, 65535), leafWeight: whole(0, 65535) })),
        throttleReadBpsDevice: throttles,
        throttleWriteBpsDevice: throttles,
        throttleReadIOPSDevice: throttles,
        throttleWriteIOPSDevice: throttles,
      },
    ),
    hugepageLimits: list(
      object({ pageSize: matching(/^[1-9]\d*[KMG]B$/, "a size such as 2MB"), limit: whole(0) }),
    ),
    network: object({}, { classID: whole(0), priorities: list(object({ name: text, priority: whole(0) })) }),
    rdma: map(object({}, { hcaHandles: whole(0), hcaObjects: whole(0) })),
    unified: map(text),
  },
);
