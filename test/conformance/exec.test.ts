/** exec, as engines call it: `--process FILE --detach --pid-file P`, and by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { connectUnix, receive, sendAll } from "../../native/sockets.ts";
import { reap, reapAll } from "../bench/reap.ts";
import { type Bench, leftovers, makeBench, unikrun, until } from "./harness.ts";

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
  t.regex(
    stderr,
    /^unikrun: tcp wants a port from 1 to 65535, not "no"\nCommands about a guest:\n {2}unikrun http/,
  );
});

test("without a network card the network's commands say so", (t) => {
  const bench = started(t);
  const { code, log } = bench.call("exec", bench.id, "unikrun", "http", "/");
  t.is(code, 1);
  t.regex(log.at(-1)?.msg ?? "", /can't be reached by its network: it has no network card/);
});

test("--process, --detach and --pid-file: the tool is in the container's cgroup and is the caller's to reap", async (t) => {
  const bench = started(t);
  const [file, pidFile] = [`${bench.folder}/process.json`, `${bench.folder}/exec.pid`];
  writeFileSync(file, JSON.stringify({ cwd: "/", args: ["unikrun", "console"], env: [] }));
  const args = ["exec", "--process", file, "--detach", "--pid-file", pidFile, bench.id];
  // It goes a second after the end of its input, and can be looked at until then.
  const exec = Bun.spawn([unikrun, "--root", bench.root, ...args], { stdin: "pipe" });
  t.is(await exec.exited, 0);
  const pid = Number(readFileSync(pidFile, "utf8"));
  t.is(readFileSync(`/proc/${pid}/cgroup`, "utf8"), readFileSync(`/proc/${bench.pid()}/cgroup`, "utf8"));
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  t.regex(status, /^Uid:\s+[1-9]\d+\s/m);
  t.regex(status, /^CapEff:\s+0+$/m);
  t.regex(status, /^CapBnd:\s+0+$/m);
  t.regex(status, /^NoNewPrivs:\s+1$/m);
  exec.stdin.end();
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
    /there is no "sh" in it \(executable file not found in a machine that is one program\): exec runs "unikrun http\|/,
  );
  t.is(JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout).length, 2);
});

test("a created, a paused and a stopped container execute nothing", (t) => {
  const bench = makeBench(["sleep", "1000"]);
  t.teardown(() => bench[Symbol.dispose]());
  t.is(bench.call("create").code, 0);
  const attempt = (...flags: string[]) => bench.call("exec", ...flags, bench.id, "unikrun", "status");
  const isPaused = /^container not running: .* is paused, .* resume it first\.$/;
  t.regex(attempt().log.at(-1)?.msg ?? "", /^container not running: .* is created, .* start it first\.$/);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.call("pause", bench.id).code, 0);
  t.regex(attempt().log.at(-1)?.msg ?? "", isPaused);
  // It would stand still with the container.
  t.regex(attempt("--ignore-paused").log.at(-1)?.msg ?? "", isPaused);
  t.is(bench.call("resume", bench.id).code, 0);
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  t.is(bench.wait(), 137);
  t.regex(attempt().log.at(-1)?.msg ?? "", /is stopped/);
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});

test("a tool that is waited for ends with the runtime that waits for it", async (t) => {
  const bench = started(t);
  const runtime = Bun.spawn({
    cmd: [unikrun, "--root", bench.root, "exec", bench.id, "unikrun", "console"],
    stdin: "pipe",
    stdout: "ignore",
  });
  const count = (): number => JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout).length;
  until(() => count() === 4);
  runtime.kill("SIGKILL");
  await runtime.exited;
  until(() => count() === 2);
  // A process namespace ends when all that were in it are reaped, which is for us to do.
  reapAll();
  t.pass();
});

test("console ends though a guest goes on talking, and though it does not read", async (t) => {
  for (const [args, input, code] of [
    [["print", "100000000"], "", 0],
    [["spin"], "x".repeat(400_000), 1],
  ] as const) {
    const bench = makeBench(args);
    t.teardown(() => bench[Symbol.dispose]());
    t.is(bench.call("create").code, 0);
    t.is(bench.call("start", bench.id).code, 0);
    const console = ["unikrun", "console", "--timeout", "2"];
    const run = Bun.spawn({
      cmd: [unikrun, "--root", bench.root, "exec", bench.id, ...console],
      stdin: new Blob([input]),
      stdout: "ignore",
      stderr: "pipe",
    });
    t.is(await run.exited, code);
    if (code) t.is(await run.stderr.text(), "unikrun: the guest does not read what was typed\n");
  }
});

test("what is typed before init has looked reaches the guest, too", (t) => {
  using bench = makeBench(["cat"]);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  until(() => bench.output().includes("main()"));
  using line = connectUnix({ folder: `${bench.root}/${bench.id}`, name: "control.sock", timeout: 10 });
  sendAll(line.fd, Buffer.from("console\ntyped at once\n"));
  let heard = "";
  for (let more = "begun"; more !== "" && !heard.includes("\n"); heard += more)
    more = receive(line.fd, 4096).toString();
  t.regex(heard, /^typed at once/);
});

test("who opens the console takes it from whoever has it, and that is said", async (t) => {
  const bench = started(t);
  const cmd = [unikrun, "--root", bench.root, "exec", bench.id, "unikrun", "console"];
  const first = Bun.spawn({ cmd, stdin: "pipe", stdout: "ignore", stderr: "pipe" });
  while (JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout).length !== 4) await Bun.sleep(10);
  t.is(bench.call("exec", bench.id, "unikrun", "console").code, 0);
  t.is(await first.exited, 1);
  t.regex(await first.stderr.text(), /the console was taken by somebody else/);
});

test("|| exit N gives the code of a failure, as a shell does", (t) => {
  const bench = started(t);
  const shell = (text: string) => bench.call("exec", bench.id, "/bin/sh", "-c", text).code;
  t.is(shell("unikrun tcp no || exit 7"), 7);
  t.is(shell("unikrun tcp no || exit 0"), 0);
  t.is(shell("unikrun status || exit 7"), 0);
});

test("output goes where a shell's redirections lead it", (t) => {
  const bench = started(t);
  const shell = (text: string) => {
    const { code, stdout, stderr } = bench.call("exec", bench.id, "/bin/sh", "-c", text);
    return { code, stdout: stdout.split(" ")[0], stderr: stderr.split(" ")[0] };
  };
  t.deepEqual(shell("unikrun status > /dev/null"), { code: 0, stdout: "", stderr: "" });
  t.deepEqual(shell("unikrun status >&2"), { code: 0, stdout: "", stderr: "id" });
  t.deepEqual(shell("unikrun tcp no 2>&1 || exit 3"), { code: 3, stdout: "unikrun:", stderr: "" });
  t.deepEqual(shell("unikrun tcp no >/dev/null 2>&1"), { code: 2, stdout: "", stderr: "" });
  t.deepEqual(shell("unikrun tcp no 2>&1 >/dev/null"), { code: 2, stdout: "unikrun:", stderr: "" });
});

test("a check that is not understood is refused with the reason, and one of somebody else with his name", (t) => {
  const bench = started(t);
  const refused = (...args: readonly string[]) => {
    const { code, log } = bench.call("exec", bench.id, ...args);
    t.is(code, 1);
    const [, name, why] =
      /there is no "(.*)" in it \(executable file not found in a machine that is one program\), and (.*): exec runs/.exec(
        log.at(-1)?.msg ?? "",
      ) ?? [];
    return [name, why];
  };
  t.deepEqual(refused("curl", "-d", "x", "localhost"), [
    "curl",
    'what stands in for curl has no option "-d"',
  ]);
  t.deepEqual(refused("wget", "--spider", "http://db:80/"), [
    "wget",
    'what stands in for wget asks nobody but the guest itself, so not "db"',
  ]);
  t.deepEqual(refused("nc", "-z", "192.0.2.1", "80"), [
    "nc",
    'what stands in for nc asks nobody but the guest itself, so not "192.0.2.1"',
  ]);
  t.deepEqual(refused("/bin/sh", "-c", "curl localhost | grep ok"), [
    "/bin/sh",
    'of what a shell is told only one command is understood, with "|| exit N" and output to /dev/null, not "| grep ok"',
  ]);
  t.deepEqual(refused("pg_isready"), [
    "pg_isready",
    '"unikrun tcp 5432" tells whether its server takes connections',
  ]);
  t.regex(
    bench.call("exec", bench.id, "curl", "-f", "localhost").log.at(-1)?.msg ?? "",
    /can't be reached by its network: it has no network card/,
  );
});

test("a terminal goes to --console-socket, and a socket that is not there is a sentence", (t) => {
  const bench = started(t);
  const file = `${bench.folder}/process.json`;
  const terminal = { terminal: true, consoleSize: { height: 24, width: 80 } };
  writeFileSync(file, JSON.stringify({ cwd: "/", args: ["unikrun", "status"], ...terminal }));
  const attempt = (...flags: string[]) =>
    bench.call("exec", "--process", file, "--detach", ...flags, bench.id).log.at(-1)?.msg ?? "";
  t.regex(attempt(), /needs --console-socket/);
  t.regex(attempt("--console-socket", `${bench.folder}/none`), /could not connect to the console socket/);
  t.is(JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout).length, 2);
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
