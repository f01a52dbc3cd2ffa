import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import test from "ava";
import { type Bench, leftovers, makeBench, unikrun, until } from "./harness.ts";

const statusOf = (bench: Bench): string => JSON.parse(bench.call("state", bench.id).stdout).status;

/** A container whose guest prints without end, or uses the CPU; started. */
function started(args: readonly string[], configure?: Parameters<Bench["configure"]>[0]): Bench {
  const bench = makeBench(args);
  if (configure) bench.configure(configure);
  for (const verb of ["create", "start"]) {
    const { code, stderr } = bench.call(...(verb === "create" ? [verb] : [verb, bench.id]));
    if (code !== 0) throw new Error(stderr);
  }
  return bench;
}

/** Nanoseconds that the container's processes have used. */
const cpuOf = (bench: Bench): number =>
  JSON.parse(bench.call("events", "--stats", bench.id).stdout).data.cpu.usage.total;

test.serial("a paused guest uses no CPU, says that it is paused, and goes on", (t) => {
  using bench = started(["spin"]);
  t.is(bench.call("pause", bench.id).code, 0);
  t.is(statusOf(bench), "paused");
  const before = cpuOf(bench);
  Bun.sleepSync(300);
  t.is(cpuOf(bench), before);
  t.regex(bench.call("pause", bench.id).stderr, /container not running: \S+ is paused/);
  t.regex(bench.call("delete", bench.id).stderr, /it is paused/);
  t.is(bench.call("resume", bench.id).code, 0);
  t.is(statusOf(bench), "running");
  until(() => cpuOf(bench) >= before + 100_000_000);
  t.regex(bench.call("resume", bench.id).stderr, /container not paused: \S+ is running/);
});

test.serial("a paused container can be killed, and removed by force", (t) => {
  for (const end of [
    ["kill", "KILL"],
    ["delete", "--force"],
  ] as const) {
    using bench = started(["http", "80"]);
    t.is(bench.call("pause", bench.id).code, 0);
    if (end[0] === "kill") {
      t.is(bench.call("kill", bench.id, "KILL").code, 0);
      t.is(bench.wait(), 137);
      t.is(bench.call("delete", bench.id).code, 0);
    } else t.is(bench.call("delete", "--force", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  }
});

test.serial(
  "statistics have the guest's disks, by where they are mounted, but not while it is paused",
  (t) => {
    using bench = started(["sleep", "1000"], (config) => {
      Object.assign(config, { mounts: [{ destination: "/scratch", type: "tmpfs", source: "tmpfs" }] });
    });
    const disks = () => JSON.parse(bench.call("events", "--stats", bench.id).stdout).data.disks;
    // The guest reads the file system's head when it mounts it.
    until(() => (disks()[0]?.readBytes ?? 0) > 0);
    t.is(disks().length, 1);
    t.is(disks()[0].name, "/scratch");
    t.true(disks()[0].readBytes > 0 && disks()[0].reads > 0, JSON.stringify(disks()));
    t.is(bench.call("pause", bench.id).code, 0);
    t.deepEqual(disks(), []);
  },
);

test.serial("statistics have what runc's have", (t) => {
  using bench = started(["http", "80"], (config) => {
    config.linux.resources = { memory: { limit: 256 << 20 } };
  });
  const { type, id, data } = JSON.parse(bench.call("events", "--stats", bench.id).stdout);
  t.is(type, "stats");
  t.is(id, bench.id);
  t.true(data.cpu.usage.total > 1_000_000);
  t.is(data.memory.usage.limit, 256 << 20);
  t.true(data.memory.usage.usage > 8 << 20);
  t.true(data.pids.current >= 2);
  t.regex(bench.call("events", "--interval", "often", bench.id).stderr, /must be a duration above 0/);
});

/** Its lines of JSON, as they come, and its exit code. */
function follow(bench: Bench) {
  const cmd = ["timeout", "120", unikrun, "--root", bench.root, "events", "--interval", "100ms", bench.id];
  const run = Bun.spawn({ cmd, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const types: string[] = [];
  const reading = (async () => {
    let text = "";
    for await (const chunk of run.stdout) {
      text += new TextDecoder().decode(chunk);
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      types.push(...lines.map((line) => JSON.parse(line).type));
    }
  })();
  const seen = async (type: string, times: number): Promise<boolean> => {
    const deadline = Date.now() + 20_000;
    while (types.filter((each) => each === type).length < times && Date.now() < deadline) await Bun.sleep(50);
    return types.filter((each) => each === type).length >= times;
  };
  return { types, seen, end: () => reading.then(() => run.exited) };
}

test.serial("events go on until the container ends, in their interval", async (t) => {
  using bench = started(["sleep", "1000"]);
  const events = follow(bench);
  t.true(await events.seen("stats", 3));
  t.is(bench.call("pause", bench.id).code, 0);
  const before = events.types.length;
  t.true(await events.seen("stats", before + 2), "a paused one has statistics, too");
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  t.is(await events.end(), 0);
  t.deepEqual([...new Set(events.types)], ["stats"]);
});

const memoryFolder = (bench: Bench): string | undefined =>
  ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"]
    .map((hierarchy) => `${hierarchy}/unikrun-test/${bench.id}`)
    .find((path) => existsSync(path));

test.serial("events say when the kernel killed a process for its memory", async (t) => {
  using bench = started(["sleep", "1000"], (config) => {
    config.linux.resources = { memory: { limit: 256 << 20 } };
  });
  const events = follow(bench);
  t.true(await events.seen("stats", 1));
  // Nothing that the guest does can take more than it has, so another process does, which the kernel kills first.
  const greedy = `echo 1000 >/proc/self/oom_score_adj; echo $$ >${memoryFolder(bench)}/cgroup.procs; exec tail /dev/zero`;
  t.not(Bun.spawnSync(["timeout", "30", "sh", "-c", greedy]).exitCode, 0);
  t.true(await events.seen("oom", 1));
  t.is(statusOf(bench), "running");
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  t.is(await events.end(), 0);
});

test.serial("a VMM that the kernel kills for memory is told of when its cgroup is gone, too", async (t) => {
  using bench = started(["sleep", "1000"], (config) => {
    config.linux.resources = { memory: { limit: 256 << 20 } };
  });
  const events = follow(bench);
  t.true(await events.seen("stats", 1));
  const pids: number[] = JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout);
  for (const pid of pids.filter((each) => each !== bench.pid()))
    writeFileSync(`/proc/${pid}/oom_score_adj`, "1000");
  const greedy = `echo $$ >${memoryFolder(bench)}/cgroup.procs; exec timeout 30 tail /dev/zero`;
  Bun.spawnSync(["sh", "-c", greedy]);
  t.is(bench.wait(), 137);
  t.is(bench.call("delete", "--force", bench.id).code, 0);
  t.true(await events.seen("oom", 1));
  t.is(await events.end(), 0);
  t.regex(
    readFileSync(`${bench.folder}/output.errors`, "utf8"),
    /the kernel killed the VMM, as the container's memory ran out: give it more/,
  );
});

test.serial("processes are init and the VMM, as JSON and as ps prints them", (t) => {
  using bench = started(["http", "80"]);
  const pids: number[] = JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout);
  t.true(pids.includes(bench.pid()));
  t.is(pids.length, 2);
  const lines = bench.call("ps", bench.id, "-e", "-o", "pid,args").stdout.trim().split("\n");
  t.is(lines.length, 1 + pids.length);
  t.regex(lines[0] ?? "", /PID/);
  t.true(lines.some((line) => line.includes("qemu-system")));
});

test.serial("limits are changed, but not to less than the running guest has", (t) => {
  using bench = started(["http", "80"], (config) => {
    config.linux.resources = { memory: { limit: 256 << 20 } };
  });
  const limit = () => JSON.parse(bench.call("events", "--stats", bench.id).stdout).data.memory.usage.limit;
  t.is(bench.call("update", "--memory", String(300 << 20), bench.id).code, 0);
  t.is(limit(), 300 << 20);
  const resources = `${bench.folder}/resources.json`;
  writeFileSync(resources, JSON.stringify({ memory: { limit: 320 << 20 }, cpu: { shares: 512 } }));
  t.is(bench.call("update", "--resources", resources, bench.id).code, 0);
  t.is(limit(), 320 << 20);
  t.regex(
    bench.call("update", "--memory", String(64 << 20), bench.id).stderr,
    /can't be limited to 67108864 bytes of memory: its guest and VMM take up to \d+/,
  );
  t.is(limit(), 320 << 20);
  t.regex(bench.call("update", "--memory", "much", bench.id).stderr, /must be a size, such as 512m/);
  t.is(bench.call("update", "--memory", "0.5g", bench.id).code, 0);
  t.is(limit(), 512 << 20);
  t.is(bench.call("pause", bench.id).code, 0);
  t.regex(bench.call("update", "--memory", "48m", bench.id).stderr, /a running guest can't give any back/);
  t.is(limit(), 512 << 20);
});

test.serial("signal 0 asks whether somebody is there", (t) => {
  using bench = started(["sleep", "1000"]);
  t.is(bench.call("kill", bench.id, "0").code, 0);
  t.is(statusOf(bench), "running");
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  bench.wait();
  t.regex(bench.call("kill", bench.id, "0").stderr, /container not running/);
});

test.serial("spec writes a bundle that boots a kernel put in its place", (t) => {
  using bench = makeBench([]);
  t.regex(
    bench.call("spec", "--bundle", `${bench.folder}/nowhere`).stderr,
    /nowhere\/config\.json can't be written \(.*\): --bundle must name a folder that is there\.$/m,
  );
  rmSync(`${bench.bundle}/config.json`);
  t.is(bench.call("spec", "--bundle", bench.bundle).code, 0);
  renameSync(`${bench.rootfs}/probe.bin`, `${bench.rootfs}/unikernel.bin`);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(statusOf(bench), "running");
});
