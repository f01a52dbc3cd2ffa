/** What native/entry/quick.c does from a container's brief, and what it leaves to the runtime that has its whole record. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import test, { type ExecutionContext } from "ava";
import { denyWriteExecute } from "./deny-write-execute.ts";
import { type Bench, leftovers, makeBench, unikrun } from "./harness.ts";

const briefOf = ({ root, id }: Bench): string => `${root}/${id}/brief`;

const cgroupsOf = (bench: Bench): string[] => readFileSync(briefOf(bench), "utf8").split("\n").slice(8, -2);

/** Calls it where JavaScript could not call the system. */
function callWithoutJavaScript({ root }: Bench, ...args: string[]) {
  const run = Bun.spawnSync([...denyWriteExecute, unikrun, "--root", root, ...args]);
  return { code: run.exitCode, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}

test.serial("a plain container is killed and deleted without JavaScript", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.deepEqual(callWithoutJavaScript(bench, "--log-format", "json", "kill", bench.id, "9"), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  t.is(bench.wait(), 137);
  t.deepEqual(callWithoutJavaScript(bench, "--systemd-cgroup", "delete", bench.id), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  t.deepEqual(leftovers(bench), []);
});

test.serial("state says the same without JavaScript as with it, of a container in every status", (t) => {
  using bench = makeBench(["http", "80"]);
  const annotations = { "a/b": 'quotes " and \\ and\nlines', pid: "1", c: "größer \u0001" };
  bench.configure((config) => Object.assign(config, { annotations }));
  const seen = (): string => {
    const quick = callWithoutJavaScript(bench, "state", bench.id);
    // That flag is for the rest of the runtime.
    const slow = bench.call("--debug", "state", bench.id);
    t.deepEqual([quick.code, quick.stderr, quick.stdout], [0, "", slow.stdout]);
    const { status, pid, annotations: said } = JSON.parse(quick.stdout);
    t.is(pid, status === "stopped" ? 0 : bench.pid());
    t.deepEqual(said, annotations);
    return status;
  };
  t.is(bench.call("create").code, 0);
  t.is(seen(), "created");
  t.is(bench.call("start", bench.id).code, 0);
  t.is(seen(), "running");
  t.is(bench.call("pause", bench.id).code, 0);
  t.is(seen(), "paused");
  t.is(bench.call("resume", bench.id).code, 0);
  t.is(seen(), "running");
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  bench.wait();
  t.is(seen(), "stopped");
});

test.serial("a container with very long annotations has no brief, and is like any other", (t) => {
  using bench = makeBench(["http", "80"]);
  bench.configure((config) => Object.assign(config, { annotations: { long: "x".repeat(70_000) } }));
  t.is(bench.call("create").code, 0);
  t.false(existsSync(briefOf(bench)));
  t.is(JSON.parse(bench.call("state", bench.id).stdout).annotations.long.length, 70_000);
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  bench.wait();
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});

test.serial("signals reach a guest by their names and by their numbers", (t) => {
  for (const signal of ["SIGTERM", "TERM", "15", "sigterm"]) {
    using bench = makeBench(["http", "80"]);
    t.is(bench.call("create").code, 0);
    t.is(bench.call("start", bench.id).code, 0);
    t.is(bench.call("kill", bench.id, signal).code, 0);
    t.is(bench.wait(), 143, signal);
  }
});

test.serial("a wrong signal, one too many words and an unknown flag are refused in one line", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  t.regex(bench.call("kill", bench.id, "65").stderr, /no signal "65"/);
  t.regex(bench.call("kill", bench.id, "KILL", "twice").stderr, /does not take "twice"/);
  t.regex(bench.call("--nonsense", "kill", bench.id, "KILL").stderr, /no flag "--nonsense"/);
  t.regex(bench.call("delete", bench.id, "twice").stderr, /does not take "twice"/);
  t.is(JSON.parse(bench.call("state", bench.id).stdout).status, "created");
});

/** A container whose guest has ended. */
function ended(t: ExecutionContext): Bench {
  const bench = makeBench(["return", "0"]);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.wait(), 0);
  return bench;
}

const DAMAGES: Readonly<Record<string, (brief: string) => void>> = {
  missing: (brief) => rmSync(brief),
  empty: (brief) => writeFileSync(brief, ""),
  "cut off": (brief) => writeFileSync(brief, readFileSync(brief, "utf8").slice(0, -20)),
  "without its lines": (brief) => writeFileSync(brief, "\nend\n"),
  "longer than any": (brief) => appendFileSync(brief, `${"x".repeat(70_000)}\nend\n`),
};

for (const [name, damage] of Object.entries(DAMAGES)) {
  test.serial(`a brief that is ${name} is not used: the record says all that it says`, (t) => {
    using bench = makeBench(["http", "80"]);
    t.is(bench.call("create").code, 0);
    t.is(bench.call("start", bench.id).code, 0);
    damage(briefOf(bench));
    t.is(bench.call("kill", bench.id, "TERM").code, 0);
    t.is(bench.wait(), 143);
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  });
}

test.serial("a process that got the pid of a container's init is not sent its signals", (t) => {
  using bench = ended(t);
  const other = Bun.spawn(["sleep", "100"], { stdio: ["ignore", "ignore", "ignore"] });
  t.teardown(() => other.kill("SIGKILL"));
  const { root, id } = bench;
  for (const file of [briefOf(bench), `${root}/${id}/unikrun.json`])
    writeFileSync(file, readFileSync(file, "utf8").replace(String(bench.pid()), String(other.pid)));
  t.regex(bench.call("kill", id, "KILL").stderr, /container not running/);
  t.is(bench.call("delete", id).code, 0);
  t.is(other.exitCode, null);
  t.deepEqual(leftovers(bench), []);
});

test.serial("a process that is left in the cgroup is ended by delete", async (t) => {
  using bench = ended(t);
  const [first = ""] = cgroupsOf(bench);
  const left = Bun.spawn(["sleep", "100"], { stdio: ["ignore", "ignore", "ignore"] });
  writeFileSync(`${first}/cgroup.procs`, String(left.pid));
  t.is(bench.call("delete", bench.id).code, 0);
  await left.exited;
  t.is(left.signalCode, "SIGKILL");
  t.deepEqual(leftovers(bench), []);
});

test.serial("a brief names no cgroup where more than that is left of a container", (t) => {
  const configurations: ((bench: Bench) => void)[] = [
    (bench) =>
      bench.configure((config) => Object.assign(config, { hooks: { poststop: [{ path: "/bin/true" }] } })),
    (bench) => {
      const source = `${bench.folder}/volume`;
      mkdirSync(source);
      bench.configure((config) =>
        Object.assign(config, {
          mounts: [{ destination: "/data", type: "bind", source, options: ["rbind"] }],
        }),
      );
    },
  ];
  for (const configure of configurations) {
    using bench = makeBench(["http", "80"]);
    configure(bench);
    t.is(bench.call("create").code, 0);
    t.deepEqual(cgroupsOf(bench), []);
    t.is(bench.call("kill", bench.id, "KILL").code, 0);
    bench.wait();
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  }
});

test.serial("nobody but root reads or writes a brief", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  t.true(existsSync(briefOf(bench)));
  const modes = [bench.root, `${bench.root}/${bench.id}`, briefOf(bench)].map((path) =>
    Bun.spawnSync(["stat", "-c", "%a %u", path]).stdout.toString().trim(),
  );
  t.deepEqual(modes, ["711 0", "700 0", "600 0"]);
  t.true(readdirSync(`${bench.root}/${bench.id}`).includes("unikrun.json"));
});
