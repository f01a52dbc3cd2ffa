import test from "ava";
import { annotatedProperties } from "../../../runtime/container/cgroup/unit-annotations.ts";
import {
  resourceProperties as propertiesOf,
  withWholePercents,
} from "../../../runtime/container/cgroup/unit-properties.ts";

const resourceProperties = (resources: Parameters<typeof propertiesOf>[0]) => propertiesOf(resources, 2);

const INFINITY = 2n ** 64n - 1n;
const MIB = 2 ** 20;

test("docker run's limits are the properties that runc gives a scope", (t) => {
  const resources = {
    memory: { limit: 100 * MIB, reservation: 50 * MIB, swap: 200 * MIB },
    cpu: { quota: 50_000, period: 100_000, cpus: "0", mems: "0" },
    pids: { limit: 50 },
    blockIO: { weight: 300 },
  };
  t.deepEqual(Object.fromEntries(resourceProperties(resources)), {
    MemoryMax: ["t", 104_857_600n],
    MemoryLow: ["t", 52_428_800n],
    MemorySwapMax: ["t", 104_857_600n],
    CPUQuotaPeriodUSec: ["t", 100_000n],
    CPUQuotaPerSecUSec: ["t", 500_000n],
    AllowedCPUs: ["ay", Buffer.from([1])],
    AllowedMemoryNodes: ["ay", Buffer.from([1])],
    TasksMax: ["t", 50n],
    IOWeight: ["t", 2930n],
  });
  t.deepEqual(resourceProperties({}), []);
});

test("no limit is infinity", (t) => {
  const none = { memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1, period: 50_000 } };
  t.deepEqual(Object.fromEntries(resourceProperties(none)), {
    MemoryMax: ["t", INFINITY],
    MemorySwapMax: ["t", INFINITY],
    TasksMax: ["t", INFINITY],
    CPUQuotaPeriodUSec: ["t", 50_000n],
    CPUQuotaPerSecUSec: ["t", INFINITY],
  });
});

test("sets of processors are bits, lowest first", (t) => {
  const bits = (cpus: string) => Object.fromEntries(resourceProperties({ cpu: { cpus } })).AllowedCPUs?.[1];
  t.deepEqual(bits("0-2,7"), Buffer.from([0x87]));
  t.deepEqual(bits("1, 9"), Buffer.from([0x02, 0x02]));
  t.deepEqual(bits("31"), Buffer.from([0, 0, 0, 0x80]));
});

test("an idle container has no weight, and files of linux.resources.unified are told, too", (t) => {
  t.deepEqual(resourceProperties({ cpu: { idle: 1, shares: 512 } }), [["CPUWeight", ["t", 0n]]]);
  const unified = { "memory.high": "1048576", "cpu.max": "max", "cpu.idle": "0", "memory.oom.group": "1" };
  t.deepEqual(Object.fromEntries(resourceProperties({ unified })), {
    MemoryHigh: ["t", 1_048_576n],
    CPUQuotaPeriodUSec: ["t", 100_000n],
    CPUQuotaPerSecUSec: ["t", INFINITY],
  });
});

test("shares of the processor are a weight in version 2, and shares in version 1", (t) => {
  const cpu = { shares: 512 };
  t.deepEqual(propertiesOf({ cpu }, 2), [["CPUWeight", ["t", 59n]]]);
  t.deepEqual(propertiesOf({ cpu }, 1), [["CPUShares", ["t", 512n]]]);
});

test("systemd counts a quota in whole percents, so it is rounded up to them", (t) => {
  const quota = (quota: number, period?: number) =>
    withWholePercents({ cpu: { quota, ...(period === undefined ? {} : { period }) } }).cpu?.quota;
  t.is(quota(75_500), 76_000);
  t.is(quota(50_000, 100_000), 50_000);
  t.is(quota(1_001, 50_000), 1_500);
  t.is(quota(-1), -1);
  t.deepEqual(withWholePercents({ memory: { limit: 1 } }), { memory: { limit: 1 } });
});

test("annotations set properties of the unit, as Podman and CRI-O write them", (t) => {
  const properties = annotatedProperties({
    "org.systemd.property.TimeoutStopUSec": "uint64 10000000",
    "org.systemd.property.KillSignal": "15",
    "org.systemd.property.TimeoutStopSec": "3",
    "org.systemd.property.SendSIGHUP": "true",
    "org.systemd.property.CollectMode": "'inactive'",
    "org.systemd.property.After": '["a.service", "b.service"]',
    "org.unikrun.memory": "64",
  });
  t.deepEqual(properties, [
    ["TimeoutStopUSec", ["t", 10_000_000n]],
    ["KillSignal", ["i", 15]],
    ["TimeoutStopUSec", ["t", 3_000_000n]],
    ["SendSIGHUP", ["b", true]],
    ["CollectMode", ["s", "inactive"]],
    ["After", ["as", ["a.service", "b.service"]]],
  ]);
});

test("an annotation that is no property, or leads out of the limits, is refused by its name", (t) => {
  for (const [name, value] of [
    ["Slice", "'other.slice'"],
    ["PIDs", "[1]"],
    ["x", "1"],
    ["Kill Signal", "1"],
    ["KillSignal", "fifteen"],
    ["KillSignal", "float 1"],
    ["After", "['a', b]"],
  ] as const) {
    const key = `org.systemd.property.${name}`;
    t.throws(() => annotatedProperties({ [key]: value }), { message: new RegExp(`^The annotation ${key}`) });
  }
});
