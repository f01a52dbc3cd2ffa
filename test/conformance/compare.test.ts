/** The same calls on runc and unikrun: exit codes, and the shape of what they print. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { type Bench, makeBench, type Outcome } from "./harness.ts";

interface Pair extends Disposable {
  /** Calls both with ID for the container's id, and compares code, and whether they complain; returns [runc's, ours]. */
  both(...args: readonly string[]): readonly [Outcome, Outcome];
  /** The container's processes, children of ours, are waited for. */
  wait(): void;
}

function makePair(t: ExecutionContext): Pair {
  const theirs = makeBench([], {}, "runc");
  const ours = makeBench(["sleep", "1000"]);
  mkdirSync(`${theirs.rootfs}/bin`);
  mkdirSync(`${theirs.rootfs}/proc`);
  copyFileSync("/bin/busybox", `${theirs.rootfs}/bin/busybox`);
  theirs.configure((config) => {
    config.process.args = ["/bin/busybox", "sleep", "1000"];
    Object.assign(config, { mounts: [{ destination: "/proc", type: "proc", source: "proc" }] });
  });
  for (const bench of [theirs, ours]) {
    bench.configure((config) => Object.assign(config, { annotations: { "org.example.a": "b" } }));
    writeFileSync(`${bench.folder}/limits.json`, JSON.stringify({ memory: { limit: 300 << 20 } }));
  }
  const call = (bench: Bench, args: readonly string[]): Outcome =>
    bench.call(
      ...args.map((arg) =>
        arg === "ID" ? bench.id : arg.replace("FOLDER", bench.folder).replace("BUNDLE", bench.bundle),
      ),
    );
  return {
    both(...args) {
      const pair = [call(theirs, args), call(ours, args)] as const;
      const [runc, unikrun] = pair;
      const what = `${args.join(" ")}: runc ${JSON.stringify(runc)}, unikrun ${JSON.stringify(unikrun)}`;
      t.is(unikrun.code === 0, runc.code === 0, what);
      // In --log, which is where engines look; a success may have warnings there.
      if (runc.code !== 0) t.deepEqual(levels(unikrun), ["error"], what);
      return pair;
    },
    wait() {
      theirs.wait();
      ours.wait();
    },
    [Symbol.dispose]() {
      theirs[Symbol.dispose]();
      ours[Symbol.dispose]();
    },
  };
}

const levels = ({ log }: Outcome): string[] =>
  log.map(({ level }) => level).filter((level) => level === "error");

/** A JSON text with words for its values: {"pid":"number"}. */
function shape(text: string): unknown {
  const of = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.slice(0, 1).map(of);
    // Go writes an empty list so.
    if (value === null) return [];
    if (typeof value !== "object") return typeof value;
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, each]) => [key, of(each)]));
  };
  return of(JSON.parse(text));
}

const columns = (text: string): string[] => (text.split("\n")[0] ?? "").trim().split(/\s+/);

/** The value of a field of `state`, as both say it. */
function sameState(t: ExecutionContext, pair: Pair, status: string): void {
  const [runc, unikrun] = pair.both("state", "ID");
  t.deepEqual(shape(unikrun.stdout), shape(runc.stdout));
  for (const { stdout } of [runc, unikrun]) {
    const state = JSON.parse(stdout);
    t.is(state.status, status);
    t.is(state.pid === 0, status === "stopped");
  }
}

function sameList(t: ExecutionContext, pair: Pair): void {
  const [runc, unikrun] = pair.both("list", "--format", "json");
  t.deepEqual(shape(unikrun.stdout), shape(runc.stdout));
  t.is(JSON.parse(unikrun.stdout)[0].owner, JSON.parse(runc.stdout)[0].owner);
  const [table, ownTable] = pair.both("list");
  t.deepEqual(columns(ownTable.stdout), columns(table.stdout));
  t.is(ownTable.stdout.trim().split("\n").length, 2);
  t.is(pair.both("list", "-q")[1].stdout.trim().split("\n").length, 1);
}

test.serial("what is not there, and wrong calls, fail as with runc", (t) => {
  using pair = makePair(t);
  for (const verb of ["state", "start", "kill", "pause", "resume", "ps", "delete"]) {
    const [runc, unikrun] = pair.both(verb, "nobody");
    // The words that engines look for.
    for (const { log } of [runc, unikrun]) t.regex(log.at(-1)?.msg ?? "", /does not exist/, verb);
    pair.both(verb);
  }
  pair.both("events", "--stats", "nobody");
  pair.both("update", "--memory", "300m", "nobody");
  pair.both("delete", "--force", "nobody");
  pair.both("list", "--format", "xml");
  pair.both("list", "--unknown");
  pair.both("unknown");
  pair.both("run", "--bundle", "FOLDER/nowhere", "ID");
  pair.both("run", "--bundle", "BUNDLE", "../ID");
  pair.both("run", "--bundle", "BUNDLE");
  t.deepEqual(columns(pair.both("list")[1].stdout), columns(pair.both("list")[0].stdout));
});

test.serial("a container's life, verb by verb, is runc's", (t) => {
  using pair = makePair(t);
  pair.both("create");
  pair.both("create");
  sameState(t, pair, "created");
  sameList(t, pair);
  pair.both("resume", "ID");
  pair.both("kill", "ID", "0");
  pair.both("kill", "ID", "NOSUCH");
  pair.both("kill", "ID", "99");
  pair.both("kill", "ID", "WINCH");
  pair.both("update", "--memory", "300M", "ID");
  pair.both("update", "--resources", "FOLDER/limits.json", "ID");
  pair.both("update", "--resources", "FOLDER/nothing.json", "ID");
  pair.both("update", "--pids-limit", "few", "ID");
  pair.both("update", "--cpuset-cpus", "9999", "ID");
  // No host of these tests has it mounted.
  pair.both("update", "--l3-cache-schema", "L3:0=f", "ID");
  pair.both("update", "--cpu-quota", "50000", "--cpu-period", "100000", "--cpu-share", "100", "ID");
  pair.both("events", "--stats", "ID");

  pair.both("start", "ID");
  pair.both("start", "ID");
  sameState(t, pair, "running");
  sameList(t, pair);
  for (const { stdout } of pair.both("ps", "--format", "json", "ID"))
    t.is(JSON.stringify(shape(stdout)), '["number"]');
  const [table, ownTable] = pair.both("ps", "ID");
  t.deepEqual(columns(ownTable.stdout), columns(table.stdout));
  pair.both("ps", "--format", "xml", "ID");
  for (const interval of ["0s", "often"]) pair.both("events", "--interval", interval, "ID");
  const [, { stdout }] = pair.both("events", "--stats", "ID");
  t.is(JSON.parse(stdout).type, "stats");
  pair.both("delete", "ID");
  pair.both("pause", "ID");
  pair.both("pause", "ID");
  sameState(t, pair, "paused");
  pair.both("resume", "ID");
  pair.both("resume", "ID");

  pair.both("kill", "ID", "KILL");
  pair.wait();
  sameState(t, pair, "stopped");
  sameList(t, pair);
  for (const { log } of pair.both("kill", "ID", "TERM"))
    t.regex(log.at(-1)?.msg ?? "", /container not running/);
  pair.both("kill", "--all", "ID", "KILL");
  for (const verb of ["pause", "resume", "start"]) pair.both(verb, "ID");
  t.deepEqual(columns(pair.both("ps", "ID")[1].stdout), columns(table.stdout));
  pair.both("events", "--stats", "ID");
  pair.both("update", "--memory", "300m", "ID");
  pair.both("delete", "ID");
  pair.both("state", "ID");
});

test.serial("statistics have runc's names and kinds where both have them, and features too", (t) => {
  using pair = makePair(t);
  pair.both("create");
  pair.both("start", "ID");
  for (const args of [["events", "--stats", "ID"], ["features"]]) {
    const [runc, unikrun] = pair.both(...args).map(({ stdout }) => shape(stdout));
    const common = compareKinds(t, unikrun, runc, args.join(" "));
    t.true(common >= 10, `${args.join(" ")}: ${common} in common`);
  }
});

/** How many values, at whatever depth, have a place in both, which must be of one kind. */
function compareKinds(t: ExecutionContext, ours: unknown, theirs: unknown, place: string): number {
  if (ours === undefined || theirs === undefined) return 0;
  if (typeof ours === "string" || typeof theirs === "string") {
    t.is(ours, theirs, place);
    return 1;
  }
  t.is(Array.isArray(ours), Array.isArray(theirs), place);
  const [own, other] = [ours, theirs] as Record<string, unknown>[];
  return Object.keys(own ?? {})
    .map((key) => compareKinds(t, own?.[key], other?.[key], `${place} ${key}`))
    .reduce((sum, each) => sum + each, 0);
}
