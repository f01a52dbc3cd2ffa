import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { openCgroup } from "../../../runtime/container/cgroup/cgroup.ts";
import { exactJson, readerOf } from "../../../runtime/container/cgroup/figures.ts";
import { figuresV1 } from "../../../runtime/container/cgroup/figures-v1.ts";
import { figuresV2 } from "../../../runtime/container/cgroup/figures-v2.ts";
import { oomKills } from "../../../runtime/container/observe/oom.ts";

/** Files as the kernel would have them in a cgroup. */
function folderOf(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(`${tmpdir()}/cgroup-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(`${folder}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    writeFileSync(`${folder}/${file}`, text);
  }
  return folder;
}

const V2 = {
  "cpu.stat":
    "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\nnr_periods 7\nnr_throttled 3\nthrottled_usec 90\n",
  "cpu.pressure":
    "some avg10=1.50 avg60=0.20 avg300=0.00 total=4711\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
  "memory.stat": "anon 4096\nfile 8192\n",
  "memory.current": "20480\n",
  "memory.max": "104857600\n",
  "memory.peak": "40960\n",
  "memory.swap.current": "1024\n",
  "memory.swap.max": "52428800\n",
  "memory.swap.peak": "2048\n",
  "pids.current": "5\n",
  "pids.max": "50\n",
  "io.stat": "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n254:16 \n",
};

test("version 2: figures are runc's, in the same fields and units", (t) => {
  const figures = figuresV2(readerOf(openCgroup({ "": folderOf(t, V2) })));
  t.deepEqual(JSON.parse(exactJson(figures)), {
    cpu: {
      usage: { total: 2_500_000, kernel: 500_000, user: 2_000_000 },
      throttling: { periods: 7, throttledPeriods: 3, throttledTime: 90_000 },
      psi: {
        some: { avg10: 1.5, avg60: 0.2, avg300: 0, total: 4711 },
        full: { avg10: 0, avg60: 0, avg300: 0, total: 0 },
      },
    },
    memory: {
      cache: 8192,
      usage: { limit: 104857600, usage: 20480, max: 40960, failcnt: 0 },
      swap: { limit: 157286400, usage: 21504, max: 0, failcnt: 0 },
      raw: { anon: 4096, file: 8192 },
    },
    pids: { current: 5, limit: 50 },
    blkio: {
      ioServiceBytesRecursive: [
        { major: 254, minor: 0, op: "Read", value: 4096 },
        { major: 254, minor: 0, op: "Write", value: 8192 },
      ],
      ioServicedRecursive: [
        { major: 254, minor: 0, op: "Read", value: 1 },
        { major: 254, minor: 0, op: "Write", value: 2 },
      ],
    },
  });
});

test("version 2: no limit is 2^64 - 1 to the last digit, but 0 for pids; a controller that is off has zeros", (t) => {
  const unlimited = { ...V2, "memory.max": "max\n", "memory.swap.max": "max\n", "pids.max": "max\n" };
  const { memory, pids } = figuresV2(readerOf(openCgroup({ "": folderOf(t, unlimited) })));
  t.regex(exactJson(memory.usage), /"limit":18446744073709551615,/);
  t.regex(exactJson(memory.swap), /"limit":18446744073709551615,/);
  t.is(pids.limit, 0n);
  const swapless = Object.fromEntries(Object.entries(V2).filter(([name]) => !name.includes("swap")));
  const without = figuresV2(readerOf(openCgroup({ "": folderOf(t, swapless) }))).memory.swap;
  t.deepEqual([without.limit, without.usage], [104857600n, 20480n]);
  const off = figuresV2(readerOf(openCgroup({ "": folderOf(t, { "cgroup.procs": "11\n12\n" }) })));
  t.deepEqual([off.memory.usage.usage, off.cpu.usage.total, off.pids.current], [0n, 0n, 2n]);
});

test("version 1: each controller's figures come from its own folder, beside an empty tree of version 2", (t) => {
  const folder = folderOf(t, {
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
    "memory/memory.usage_in_bytes": "4096\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "cpuacct/cpuacct.usage": "77\n",
    "unified/cpu.stat": "usage_usec 1\n",
  });
  const paths = {
    memory: `${folder}/memory`,
    "cpu,cpuacct": `${folder}/cpuacct`,
    "": `${folder}/unified`,
  };
  const { cpu, memory } = figuresV1(readerOf(openCgroup(paths)));
  t.is(cpu.usage.total, 77n);
  t.regex(exactJson(memory.usage), /"limit":9223372036854771712,"usage":4096,/);
  t.is(oomKills({ cgroup: paths }), 2n);
});

test("version 2: processes that the kernel killed for memory are counted", (t) => {
  const events = { "memory.events": "low 0\nhigh 0\nmax 31\noom 4\noom_kill 3\noom_group_kill 0\n" };
  t.is(oomKills({ cgroup: { "": folderOf(t, events) } }), 3n);
  t.is(oomKills({ cgroup: { "": folderOf(t, {}) } }), 0n);
});
