/** What `unikrun status` says of a guest, in whatever state it is. */
import { readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { type Bench, makeBench, until } from "./harness.ts";
import { privateHost } from "./private-host.ts";

const statusOf = (bench: Bench) => JSON.parse(bench.call("status", "--json", bench.id).stdout);

test.serial("an emulated guest's status names the accelerator, why, and what to do", async (t) => {
  using host = await privateHost();
  host.configure({ accelerator: "tcg" });
  using bench = makeBench(["sleep", "1000"], {}, host.runtime);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  const says =
    /^accelerator +tcg\n {2}because +guests are emulated \(TCG\).* as "accelerator" says\n {2}what to do +where KVM works/m;
  t.regex(bench.call("status", bench.id).stdout, says);
  t.regex(bench.call("exec", bench.id, "unikrun", "status").stdout, says);
  t.like(statusOf(bench), { accelerator: "tcg", emulated: { advice: statusOf(bench).emulated.advice } });
});

test.serial(
  "a guest's status has its container's limits, how often they held it up, and what memory is used",
  (t) => {
    using bench = makeBench(["sleep", "1000"]);
    const limits = {
      memory: { limit: 256 << 20 },
      cpu: { quota: 50_000, period: 100_000 },
      pids: { limit: 77 },
    };
    bench.configure(({ linux }) => Object.assign(linux, { resources: limits }));
    t.is(bench.call("create").code, 0);
    t.is(bench.call("start", bench.id).code, 0);
    // One that has not run yet has touched nothing.
    until(() => bench.output().includes("main()"));
    const { stdout } = bench.call("status", bench.id);
    t.regex(stdout, /^limits +memory 256\.0 MiB, CPU time of 0\.5 processors, 77 processes$/m);
    t.regex(stdout, /^throttled +(never|in \d+ of \d+ periods \(\d+ %\), [\d.]+ s in all: .*)$/m);
    t.regex(stdout, /^memory used +[\d.]+ [KM]iB \(guest\), [\d.]+ MiB \(VMM\)$/m);
    const { limits: found, memory, memoryUse } = statusOf(bench);
    t.deepEqual(found, { memory: 256 << 20, cpus: 0.5, pids: 77 });
    t.true(memoryUse.guest > 0 && memoryUse.guest <= memory);
    t.true(memoryUse.vmm > 1 << 20);
  },
);

test.serial("a created and a paused guest have a status", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  t.is(bench.call("create").code, 0);
  t.like(statusOf(bench), { status: "created", exit: null, pid: bench.pid() });
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.call("pause", bench.id).code, 0);
  t.like(statusOf(bench), { status: "paused", guest: "rumprun" });
});

test.serial("a stopped guest's status has its exit code", (t) => {
  using bench = makeBench(["exit", "7"]);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.wait(), 7);
  t.regex(bench.call("status", bench.id).stdout, /^last exit +7, at 20\d\d-/m);
  t.like(statusOf(bench), { status: "stopped", pid: 0, exit: { code: 7 }, memoryUse: null });
});

test.serial("a guest that was killed says so", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  t.is(bench.wait(), 137);
  t.regex(bench.call("status", bench.id).stdout, /^last exit +137, by SIGKILL$/m);
});

test.serial("one that an older unikrun created has a status without what that did not keep", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  t.is(bench.call("create").code, 0);
  const file = `${bench.root}/${bench.id}/unikrun.json`;
  const { board, ...record } = JSON.parse(readFileSync(file, "utf8"));
  t.truthy(board);
  writeFileSync(file, JSON.stringify(record));
  t.regex(bench.call("status", bench.id).stdout, /^accelerator +unknown$/m);
});
