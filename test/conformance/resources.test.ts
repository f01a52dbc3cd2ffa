/** linux.resources of a machine, whose own memory and threads count. */
import { existsSync, readFileSync } from "node:fs";
import test from "ava";
import { askMachine } from "../../native/control.ts";
import { type Bench, leftovers, makeBench } from "./harness.ts";

type Resources = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function limited(resources: Resources): Bench {
  const bench = makeBench(["sleep", "1000"]);
  bench.configure((config) => {
    config.linux.resources = resources;
  });
  return bench;
}

function started(resources: Resources): Bench {
  const bench = limited(resources);
  for (const { code, stderr } of [bench.call("create"), bench.call("start", bench.id)]) {
    if (code !== 0) throw new Error(stderr);
  }
  return bench;
}

function cgroupFile(bench: Bench, controller: string, file: string): string {
  const folder = [`/sys/fs/cgroup/${controller}`, "/sys/fs/cgroup"]
    .map((hierarchy) => `${hierarchy}/unikrun-test/${bench.id}`)
    .find((path) => existsSync(`${path}/${file}`));
  return readFileSync(`${folder}/${file}`, "utf8").trim();
}

/** QEMU's command line, as the host shows it. */
function vmmOf(bench: Bench): string[] {
  const pids: number[] = JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout);
  const commands = pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"));
  return commands.find(([name]) => name?.includes("qemu")) ?? [];
}

/** The most that its VMM may have. */
const diskThreads = ({ root, id }: Bench) =>
  askMachine(`${root}/${id}`, {
    execute: "qom-get",
    arguments: { path: "/objects/loop0", property: "thread-pool-max" },
  });

test.serial("a limit of processes that is too small for the VMM is refused with one that is enough", (t) => {
  using bench = limited({ pids: { limit: 3 } });
  const { code, stderr } = bench.call("create");
  t.is(code, 1);
  const [, enough] = /limit of 3 processes .* give it (\d+) or more/.exec(stderr) ?? [];
  t.deepEqual(leftovers(bench), []);
  using second = started({ pids: { limit: Number(enough) } });
  const status = second.call("exec", second.id, "unikrun", "status");
  t.is(status.code, 0, status.stderr);
  t.is(second.call("pause", second.id).code, 0);
  t.is(second.call("resume", second.id).code, 0);
  t.regex(second.call("update", "--pids-limit", "3", second.id).stderr, /too small for its VMM/);
  t.is(cgroupFile(second, "pids", "pids.max"), String(enough));
});

test.serial("0 processes are no limit", (t) => {
  using bench = started({ pids: { limit: 0 } });
  t.is(cgroupFile(bench, "pids", "pids.max"), "max");
  t.is(bench.call("update", "--pids-limit", "30", bench.id).code, 0);
  t.is(cgroupFile(bench, "pids", "pids.max"), "30");
  t.is(bench.call("update", "--pids-limit", "0", bench.id).code, 0);
  t.is(cgroupFile(bench, "pids", "pids.max"), "max");
});

test.serial("the VMM wants no more threads for disks than the limit of processes has room for", (t) => {
  using bench = started({ pids: { limit: 12 } });
  const workers = () => diskThreads(bench);
  t.is(workers(), 2);
  t.is(bench.call("update", "--pids-limit", "22", bench.id).code, 0);
  t.is(workers(), 12);
  t.is(bench.call("pause", bench.id).code, 0);
  t.is(bench.call("update", "--pids-limit", "11", bench.id).code, 0);
  t.is(bench.call("resume", bench.id).code, 0);
  t.is(workers(), 1);
  t.is(bench.call("update", "--pids-limit", "-1", bench.id).code, 0);
  t.is(workers(), 64);
});

test.serial("a limit of processes that changes between create and start is the VMM's", (t) => {
  using bench = limited({ pids: { limit: 12 } });
  t.is(bench.call("create").code, 0);
  t.is(bench.call("update", "--pids-limit", "22", bench.id).code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(diskThreads(bench), 12);
});

test.serial("a memory limit above what the host has is a limit that is never reached", (t) => {
  const kibibytes = Number(/MemTotal: +(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]);
  using bench = started({ memory: { limit: 4 * kibibytes * 1024 } });
  t.is(JSON.parse(bench.call("state", bench.id).stdout).status, "running");
  const vmm = vmmOf(bench);
  const mebibytes = Number.parseInt(vmm[vmm.indexOf("-m") + 1] ?? "", 10);
  t.true(mebibytes > 8 && mebibytes < kibibytes / 1024, `${mebibytes} MiB`);
});
