import { existsSync, readFileSync } from "node:fs";
import test from "ava";
import { vmmOf } from "../proc.ts";
import { type Bench, leftovers, makeBench, unikrun } from "./harness.ts";

const stateOf = (bench: Bench) => JSON.parse(bench.call("state", bench.id).stdout);

test.serial("a container is created, running, stopped, and then gone", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  const created = stateOf(bench);
  t.is(created.status, "created");
  t.is(created.pid, bench.pid());
  t.is(created.bundle, bench.bundle);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(stateOf(bench).status, "running");
  t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
  t.is(bench.wait(), 143);
  const stopped = stateOf(bench);
  t.is(stopped.status, "stopped");
  t.is(stopped.pid, 0);
  t.is(bench.call("delete", bench.id).code, 0);
  const gone = bench.call("state", bench.id);
  t.is(gone.code, 1);
  t.regex(gone.stderr, /does not exist/);
  t.deepEqual(leftovers(bench), []);
});

test.serial(
  "a created container is in its namespaces and its cgroup, and its init costs less than 2 MiB",
  (t) => {
    using bench = makeBench(["http", "80"]);
    t.is(bench.call("create").code, 0);
    for (const namespace of ["net", "pid", "ipc", "uts", "mnt"]) {
      const own = Bun.spawnSync(["readlink", `/proc/self/ns/${namespace}`]).stdout.toString();
      t.not(Bun.spawnSync(["readlink", `/proc/${bench.pid()}/ns/${namespace}`]).stdout.toString(), own);
    }
    t.true(readFileSync(`/proc/${bench.pid()}/cgroup`, "utf8").includes(`/unikrun-test/${bench.id}`));
    const status = readFileSync(`/proc/${bench.pid()}/status`, "utf8");
    t.true(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) < 2048);
  },
);

test.serial("what does not fit a container's status is refused in one line", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  t.regex(bench.call("create").stderr, /exists already/);
  t.is(bench.call("start", bench.id).code, 0);
  t.regex(bench.call("start", bench.id).stderr, /already running/);
  t.regex(bench.call("delete", bench.id).stderr, /it is running/);
  t.regex(bench.call("kill", bench.id, "SIGNONSENSE").stderr, /no signal "SIGNONSENSE"/);
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  t.is(bench.wait(), 137);
  t.regex(bench.call("kill", bench.id, "KILL").stderr, /container not running/);
  t.regex(bench.call("start", bench.id).stderr, /has stopped/);
  t.regex(bench.call("start", "nobody").stderr, /nobody does not exist/);
});

test.serial("delete --force removes a running container, and one that never was", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.call("delete", "--force", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
  t.is(bench.call("delete", "--force", bench.id).code, 0);
});

test.serial("a created container that is deleted was never started", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("delete", bench.id).code, 0);
  t.is(bench.wait(), 137);
  t.deepEqual(leftovers(bench), []);
});

const ENDINGS = [
  { args: ["return", "0"], code: 0 },
  { args: ["return", "7"], code: 7 },
  { args: ["return", "256"], code: 0 },
  { args: ["exit", "3"], code: 3 },
  { args: ["panic"], code: 134 },
  { args: ["trap"], code: 139 },
  { args: ["trap", "triple"], code: 139 },
  { args: ["fake"], code: 9 },
] as const;

for (const { args, code } of ENDINGS) {
  test.serial(`a guest told to ${args.join(" ")} ends its container with ${code}`, (t) => {
    using bench = makeBench(args);
    t.is(bench.call("create").code, 0);
    t.is(bench.call("start", bench.id).code, 0);
    t.is(bench.wait(), code);
  });
}

test.serial(
  "arguments with spaces, tabs, apostrophes and nothing in them reach the program as they are",
  (t) => {
    using bench = makeBench(["echo", "a b", "", "it's", "\t", "ü", ",,", "{}"]);
    t.is(bench.call("create").code, 0);
    t.is(bench.call("start", bench.id).code, 0);
    t.is(bench.wait(), 0);
    const printed = bench.output();
    for (const [i, arg] of ["echo", "a b", "", "it's", "\t", "ü", ",,", "{}"].entries()) {
      t.true(printed.includes(`arg[${i + 1}]=<${arg}>`), printed);
    }
  },
);

test.serial(
  "the VMM has a uid of its own, no capability, no new privileges, a seccomp filter and an empty root",
  (t) => {
    using bench = makeBench(["http", "80"]);
    t.is(bench.call("create").code, 0);
    t.is(bench.call("start", bench.id).code, 0);
    const vmm = vmmOf(bench.pid());
    const status = readFileSync(`/proc/${vmm}/status`, "utf8");
    t.regex(status, /^Uid:\t(18\d{8})\t\1\t\1\t\1$/m);
    t.regex(status, /^CapBnd:\t0000000000000000$/m);
    t.regex(status, /^CapEff:\t0000000000000000$/m);
    t.regex(status, /^NoNewPrivs:\t1$/m);
    t.regex(status, /^Seccomp:\t2$/m);
    for (const path of ["/etc/passwd", "/proc", "/sys", "/root", "/bin/sh"]) {
      t.false(existsSync(`/proc/${vmm}/root${path}`), path);
    }
    const mounts = readFileSync(`/proc/${vmm}/mountinfo`, "utf8").trim().split("\n");
    const writable = mounts.filter((mount) => !/ (ro|rw,nosuid,noexec)[, ]/.test(mount));
    t.deepEqual(
      writable.map((mount) => mount.split(" ")[4]),
      ["/guest/memory"],
    );
    t.regex(writable[0] ?? "", / rw,nosuid,nodev,noexec[, ]/);
  },
);

test.serial("run waits, gives the guest's exit code back, and deletes the container", (t) => {
  using bench = makeBench(["return", "5"]);
  const run = Bun.spawnSync([unikrun, "--root", bench.root, "run", "--bundle", bench.bundle, bench.id], {
    stdin: "ignore",
    stdout: Bun.file(`${bench.folder}/out`),
    stderr: Bun.file(`${bench.folder}/err`),
  });
  t.is(run.exitCode, 5);
  t.true(readFileSync(`${bench.folder}/out`, "utf8").includes("returned 5"));
  t.deepEqual(leftovers(bench), []);
});

test.serial("list has the container, as a table, as JSON and as its id", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  t.regex(bench.call("list").stdout, new RegExp(`^${bench.id} +\\d+ +created`, "m"));
  const [listed] = JSON.parse(bench.call("list", "--format", "json").stdout);
  t.is(listed.id, bench.id);
  t.is(listed.status, "created");
  t.is(bench.call("list", "--quiet").stdout, `${bench.id}\n`);
});

test.serial("--root may be a path from the current folder", (t) => {
  using bench = makeBench(["return", "5"]);
  const cmd = [unikrun, "--root", "near/root", "run", "--bundle", "bundle", bench.id];
  const { exitCode, stderr } = Bun.spawnSync({ cmd, cwd: bench.folder, stdin: "ignore", stdout: "ignore" });
  t.is(exitCode, 5, stderr?.toString());
  t.true(existsSync(`${bench.folder}/near/root`));
  t.deepEqual(leftovers(bench), []);
});
