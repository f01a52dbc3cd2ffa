import test from "ava";
import { withCurrent } from "../../../runtime/container/cgroup/current-v2.ts";
import { limitsV1 } from "../../../runtime/container/cgroup/limits-v1.ts";
import { cpuWeight, limitsV2 } from "../../../runtime/container/cgroup/limits-v2.ts";
import type { Resources } from "../../../runtime/container/spec/oci.ts";

const v1 = (resources: Resources): string[] =>
  limitsV1(resources).map(({ file, value }) => `${file}=${value}`);
const v2 = (resources: Resources): string[] =>
  limitsV2(resources).map(({ file, value }) => `${file}=${value}`);

const MIB = 1024 * 1024;

test("no resources, and zeros, are no limits", (t) => {
  const zeros: Resources = {
    memory: { limit: 0, swap: 0, reservation: 0 },
    cpu: { shares: 0, quota: 0, period: 0, cpus: "", mems: "" },
    blockIO: { weight: 0 },
  };
  for (const resources of [{}, zeros]) {
    t.deepEqual(v1(resources), []);
    t.deepEqual(v2(resources), []);
  }
});

test("memory: the spec's swap is memory and swap together, version 2's is swap alone", (t) => {
  const memory = { limit: 64 * MIB, swap: 128 * MIB, reservation: 32 * MIB };
  t.deepEqual(v1({ memory }), [
    "memory.limit_in_bytes=67108864",
    "memory.memsw.limit_in_bytes=134217728",
    "memory.soft_limit_in_bytes=33554432",
  ]);
  t.deepEqual(v2({ memory }), ["memory.swap.max=67108864", "memory.max=67108864", "memory.low=33554432"]);
  t.deepEqual(
    v2({ memory: { limit: MIB, swap: MIB } }),
    ["memory.swap.max=0", "memory.max=1048576"],
    "no swap at all",
  );
  t.deepEqual(v2({ memory: { limit: MIB } }), ["memory.max=1048576"], "swap as it is");
});

test("memory: TCP's buffers have a limit of their own in version 1", (t) => {
  t.deepEqual(v1({ memory: { kernelTCP: MIB } }), ["memory.kmem.tcp.limit_in_bytes=1048576"]);
  t.deepEqual(v2({ memory: { kernelTCP: MIB } }), []);
});

test("memory: -1 is no limit", (t) => {
  t.deepEqual(v1({ memory: { limit: -1 } }), ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"]);
  t.deepEqual(v2({ memory: { limit: -1 } }), ["memory.swap.max=max", "memory.max=max"]);
  t.deepEqual(v2({ memory: { limit: MIB, swap: -1 } }), ["memory.swap.max=max", "memory.max=1048576"]);
});

test("memory: a kernel that does not count swap is no obstacle unless swap is to be limited", (t) => {
  const swap = (resources: Resources) =>
    limitsV2(resources).find(({ file }) => file === "memory.swap.max")?.otherwise;
  t.is(swap({ memory: { limit: MIB, swap: MIB } }), "skip");
  t.is(swap({ memory: { limit: -1 } }), "skip");
  t.is(swap({ memory: { limit: MIB, swap: 2 * MIB } }), undefined);
  t.is(limitsV1({ memory: { limit: -1 } })[1]?.otherwise, "skip");
  t.is(limitsV1({ memory: { limit: MIB, swap: MIB } })[1]?.otherwise, undefined);
});

test("memory: swap below memory is refused, swappiness is checked and may be unset in any way", (t) => {
  t.throws(() => v2({ memory: { limit: 2 * MIB, swap: MIB } }), {
    message: /memory\.swap.*at least memory\.limit/,
  });
  t.throws(() => v2({ memory: { swap: MIB } }), { message: /that limit is missing/ });
  t.throws(() => v1({ memory: { swappiness: 101 } }), { message: /swappiness.*101/ });
  t.deepEqual(v1({ memory: { swappiness: 2 ** 64 } }), []);
  t.deepEqual(v1({ memory: { swappiness: 0, disableOOMKiller: true } }), [
    "memory.oom_control=1",
    "memory.swappiness=0",
  ]);
});

test("cpu: shares, quota and period, burst, idle", (t) => {
  const cpu = { shares: 512, quota: 50000, period: 100000, burst: 1000, idle: 1 };
  t.deepEqual(v1({ cpu }), [
    "cpu.shares=512",
    "cpu.cfs_period_us=100000",
    "cpu.cfs_burst_us=1000",
    "cpu.cfs_quota_us=50000",
    "cpu.idle=1",
  ]);
  t.deepEqual(v2({ cpu }), [
    "cpu.idle=1",
    `cpu.weight=${cpuWeight(512)}`,
    "cpu.max.burst=1000",
    "cpu.max=50000 100000",
  ]);
  t.deepEqual(v2({ cpu: { quota: -1 } }), ["cpu.max=max 100000"]);
  t.deepEqual(v2({ cpu: { quota: 20000 } }), ["cpu.max=20000 100000"]);
  t.deepEqual(v2({ cpu: { period: 50000 } }), ["cpu.max=max 50000"]);
});

test("cpu: the weight curve meets its three points and rises between them", (t) => {
  t.deepEqual([0, 1, 2, 1024, 262144, 999999].map(cpuWeight), [1, 1, 1, 100, 10000, 10000]);
  t.is(cpuWeight(512), 59);
  for (let shares = 3; shares < 262144; shares *= 1.5) t.true(cpuWeight(shares) >= cpuWeight(shares / 1.5));
});

test("cpu: shares that the kernel would change silently are refused", (t) => {
  t.throws(() => v1({ cpu: { shares: 1 } }), { message: /shares.* 1, .*2 to 262144/ });
  t.throws(() => v1({ cpu: { shares: 262145 } }), { message: /shares/ });
});

test("cpuset and pids are the same in both versions", (t) => {
  const resources: Resources = { cpu: { cpus: "0-1", mems: "0" }, pids: { limit: 7 } };
  t.deepEqual(v1(resources), ["cpuset.cpus=0-1", "cpuset.mems=0", "pids.max=7"]);
  t.deepEqual(v2(resources), ["pids.max=7", "cpuset.cpus=0-1", "cpuset.mems=0"]);
  t.deepEqual(v1({ pids: { limit: -1 } }), ["pids.max=max"]);
  t.deepEqual(v2({ pids: { limit: 0 } }), ["pids.max=max"]);
  t.deepEqual(v1({ pids: { limit: 0 } }), ["pids.max=max"]);
});

test("block devices: weights and throttles", (t) => {
  const device = { major: 8, minor: 16 };
  const blockIO = {
    weight: 500,
    weightDevice: [{ ...device, weight: 300 }],
    throttleReadBpsDevice: [{ ...device, rate: 1048576 }],
    throttleWriteIOPSDevice: [{ ...device, rate: 10 }],
  };
  t.deepEqual(v1({ blockIO }), [
    "blkio.weight=500",
    "blkio.weight_device=8:16 300",
    "blkio.throttle.read_bps_device=8:16 1048576",
    "blkio.throttle.write_iops_device=8:16 10",
  ]);
  t.deepEqual(limitsV1({ blockIO })[0]?.otherwise, { file: "blkio.bfq.weight", value: "500" });
  t.deepEqual(v2({ blockIO }), [
    "io.bfq.weight=500",
    "io.bfq.weight=8:16 300",
    "io.max=8:16 rbps=1048576",
    "io.max=8:16 wiops=10",
  ]);
  t.deepEqual(limitsV2({ blockIO })[0]?.otherwise, { file: "io.weight", value: "4950" });
});

test("huge pages: also reservations, where the kernel counts them", (t) => {
  const hugepageLimits = [{ pageSize: "2MB", limit: 4194304 }];
  t.deepEqual(v1({ hugepageLimits }), [
    "hugetlb.2MB.limit_in_bytes=4194304",
    "hugetlb.2MB.rsvd.limit_in_bytes=4194304",
  ]);
  t.deepEqual(v2({ hugepageLimits }), ["hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304"]);
  t.is(limitsV2({ hugepageLimits })[1]?.otherwise, "skip");
  t.throws(() => v2({ hugepageLimits: [{ pageSize: "2MB/../../x", limit: 1 }] }), {
    message: /no page size/,
  });
});

test("numbers that JSON rounds up are not past what the kernel takes", (t) => {
  t.deepEqual(
    v2({ hugepageLimits: [{ pageSize: "1GB", limit: 2 ** 64 }] })[0],
    "hugetlb.1GB.max=18446744073709551615",
  );
  t.deepEqual(v1({ memory: { limit: 2 ** 63 - 4096 } }), ["memory.limit_in_bytes=9223372036854771712"]);
});

test("unified is written file by file, line by line, in version 2 only", (t) => {
  const unified = { "memory.high": "1073741824", "io.max": "8:0 rbps=1\n8:16 rbps=2\n" };
  t.deepEqual(v2({ unified }), ["memory.high=1073741824", "io.max=8:0 rbps=1", "io.max=8:16 rbps=2"]);
  t.throws(() => v1({ unified }), { message: /unified.*version 1/ });
  t.deepEqual(v1({ unified: {} }), []);
  t.throws(() => v2({ unified: { "../cgroup.procs": "1" } }), { message: /no file of a cgroup/ });
  t.throws(() => v2({ unified: { memory: "1" } }), { message: /CONTROLLER\.PARAMETER/ });
});

test("network and RDMA limits", (t) => {
  t.deepEqual(v1({ network: { classID: 1048577, priorities: [{ name: "eth0", priority: 5 }] } }), [
    "net_cls.classid=1048577",
    "net_prio.ifpriomap=eth0 5",
  ]);
  t.deepEqual(v2({ rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 } } }), [
    "rdma.max=mlx5_1 hca_handle=3 hca_object=10000",
  ]);
});

test("devices: the rules in their order, then what a machine's own processes open; none without a denial", (t) => {
  const all = { allow: true, access: "rwm" };
  const fuse = { allow: true, type: "c", major: 10, minor: 229, access: "rw" };
  t.deepEqual(v1({ devices: [all, fuse] }), []);
  const settings = v1({
    devices: [{ ...all, allow: false }, fuse, { allow: true, type: "c", minor: -1, access: "m" }],
  });
  t.deepEqual(settings.slice(0, 3), ["devices.deny=a", "devices.allow=c 10:229 rw", "devices.allow=c *:* m"]);
  t.true(settings.includes("devices.allow=c 10:232 rwm"));
  t.deepEqual(v2({ devices: [{ ...all, allow: false }] }), []);
  const twice = v1({ devices: [{ ...all, allow: false }, fuse, fuse, { ...fuse, allow: false }, fuse] });
  t.deepEqual(
    twice.filter((setting) => setting.includes("10:229")),
    ["allow", "allow", "deny", "allow"].map((word) => `devices.${word}=c 10:229 rw`),
  );
  t.is(v1({ devices: [{ ...all, allow: false }, fuse, fuse] }).length, 1 + 1 + 5);
});

test("version 2: an update keeps what it does not name, where a file or a sum has both", (t) => {
  const files: Record<string, string> = {
    "memory.max": String(100 * MIB),
    "memory.swap.max": String(50 * MIB),
    "cpu.max": "20000 50000",
  };
  const after = (resources: Resources, name: string): string | undefined => {
    const settings = limitsV2(withCurrent(resources, (file) => files[file]));
    for (const { file, value } of settings) files[file] = value;
    return files[name];
  };
  t.is(after({ cpu: { quota: 30_000 } }, "cpu.max"), "30000 50000");
  t.is(after({ cpu: { period: 90_000 } }, "cpu.max"), "30000 90000");
  t.is(after({ cpu: { quota: -1 } }, "cpu.max"), "max 90000");
  t.is(after({ cpu: { period: 100_000 } }, "cpu.max"), "max 100000");
  t.is(after({ memory: { swap: 300 * MIB } }, "memory.swap.max"), String(200 * MIB));
  t.is(after({ memory: { limit: 150 * MIB } }, "memory.swap.max"), String(150 * MIB));
  t.is(after({ memory: { limit: 301 * MIB } }, "memory.swap.max"), String(150 * MIB), "of more it stays");
  t.is(after({ memory: { limit: 400 * MIB, swap: 500 * MIB } }, "memory.swap.max"), String(100 * MIB));
  t.is(after({ memory: { limit: -1 } }, "memory.swap.max"), "max");
  t.is(after({ memory: { limit: 64 * MIB } }, "memory.swap.max"), "max", "no limit stays none");
  t.is(after({ memory: { limit: -1, swap: 70 * MIB } }, "memory.swap.max"), String(70 * MIB));
  t.is(after({ memory: { limit: 64 * MIB } }, "memory.swap.max"), String(6 * MIB));
  delete files["memory.swap.max"];
  t.is(after({ memory: { limit: 65 * MIB } }, "memory.max"), String(65 * MIB), "a kernel that counts none");
});
