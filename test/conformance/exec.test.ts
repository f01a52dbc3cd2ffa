/** exec, as engines call it: `--process FILE --detach --pid-file P`, and by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { reap } from "../bench/reap.ts";
import { type Bench, leftovers, makeBench } from "./harness.ts";

function started(t: ExecutionContext): Bench {
  const bench = makeBench(["sleep", "1000"]);
  t.teardown(() => bench[Symbol.dispose]());
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  return bench;
}

test("status and stats by hand", (t) => {
  const bench = started(t);
  const status = bench.call("exec", bench.id, "unikrun", "status", "--json");
  t.is(status.code, 0, status.stderr);
  const { id, pid, guest } = JSON.parse(status.stdout);
  t.deepEqual({ id, pid, guest }, { id: bench.id, pid: bench.pid(), guest: "rumprun" });
  const stats = JSON.parse(bench.call("exec", bench.id, "unikrun", "stats", "--json").stdout);
  t.true(stats.memory.usage.usage > 1 << 20);
});

test("a wrong command of ours is explained, with code 2", (t) => {
  const bench = started(t);
  const { code, stdout, stderr } = bench.call("exec", bench.id, "unikrun", "tcp", "no");
  t.is(code, 2);
  t.is(stdout, "");
  t.regex(stderr, /^unikrun: tcp wants a port from 1 to 65535, not "no"\nusage: unikrun http/);
});

test("without a network card the network's commands say so", (t) => {
  const bench = started(t);
  const { code, log } = bench.call("exec", bench.id, "unikrun", "http", "/");
  t.is(code, 1);
  t.regex(log.at(-1)?.msg ?? "", /can't be reached by its network: it has no network card/);
});

test("--process, --detach and --pid-file: the tool is in the container's cgroup and is the caller's to reap", (t) => {
  const bench = started(t);
  const [file, pidFile] = [`${bench.folder}/process.json`, `${bench.folder}/exec.pid`];
  writeFileSync(file, JSON.stringify({ cwd: "/", args: ["unikrun", "console"], env: [] }));
  t.is(bench.call("exec", "--process", file, "--detach", "--pid-file", pidFile, bench.id).code, 0);
  const pid = Number(readFileSync(pidFile, "utf8"));
  // Its input is at its end, so it goes after a second of silence; until then it can be looked at.
  t.is(readFileSync(`/proc/${pid}/cgroup`, "utf8"), readFileSync(`/proc/${bench.pid()}/cgroup`, "utf8"));
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  t.regex(status, /^Uid:\s+[1-9]\d+\s/m);
  t.regex(status, /^CapEff:\s+0+$/m);
  t.regex(status, /^CapBnd:\s+0+$/m);
  t.regex(status, /^NoNewPrivs:\s+1$/m);
  t.is(reap(pid), 0);
});

test("another program is refused in a line, and nothing is left of the try", (t) => {
  const bench = started(t);
  const { code, stdout, log } = bench.call("exec", bench.id, "sh", "-c", "echo hello");
  t.is(code, 1);
  t.is(stdout, "");
  t.is(log.length, 1);
  t.regex(
    log[0]?.msg ?? "",
    /there is no "sh" in it \(executable file not found\): exec runs "unikrun http\|/,
  );
  t.is(JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout).length, 2);
});

test("a created, a paused and a stopped container execute nothing", (t) => {
  const bench = makeBench(["sleep", "1000"]);
  t.teardown(() => bench[Symbol.dispose]());
  t.is(bench.call("create").code, 0);
  const attempt = (...flags: string[]) => bench.call("exec", ...flags, bench.id, "unikrun", "status");
  t.regex(attempt().log.at(-1)?.msg ?? "", /^container not running: .* is created, .* start it first\.$/);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.call("pause", bench.id).code, 0);
  t.regex(attempt().log.at(-1)?.msg ?? "", /is paused, .* resume it first\.$/);
  t.is(bench.call("resume", bench.id).code, 0);
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  t.is(bench.wait(), 137);
  t.regex(attempt().log.at(-1)?.msg ?? "", /is stopped/);
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});

test("a bad --process is a sentence about that file", (t) => {
  const bench = started(t);
  const file = `${bench.folder}/process.json`;
  const attempt = () => bench.call("exec", "--process", file, bench.id).log.at(-1)?.msg ?? "";
  t.regex(attempt(), /process\.json can't be read as JSON/);
  writeFileSync(file, "{");
  t.regex(attempt(), /process\.json can't be read as JSON/);
  writeFileSync(file, JSON.stringify({ cwd: "/", args: "unikrun" }));
  t.regex(attempt(), /process\.json\.args must be an array, not a string/);
  t.regex(bench.call("exec", bench.id).log.at(-1)?.msg ?? "", /needs a command/);
});
