/** What `unikrun trace` says of a container, in whatever state it is. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { type Bench, makeBench, start, until } from "./harness.ts";

interface Line {
  readonly at: number;
  readonly took: number | null;
  readonly by: string;
  readonly what: string;
  readonly about?: string | number;
}

const traceOf = (bench: Bench) => JSON.parse(bench.call("trace", "--json", bench.id).stdout);

const namesOf = (lines: readonly Line[]): string[] => lines.map(({ what }) => what);

/** A hook that takes its time, and one that fails. */
const SLOW = { path: "/bin/sleep", args: ["sleep", "0.3"] };
const FAILING = { path: "/bin/false" };

test.serial("a container's steps are told in their order, from create to the guest's first byte", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  start(t, bench);
  until(() => namesOf(traceOf(bench).lines).includes("spoke"));
  const { lines, begun, firstWords, failed, exit } = traceOf(bench);
  const wanted = [
    ...["called", "found", "decided", "launched", "ordered", "done", "between"],
    ...["called", "network", "composed", "sent", "waited"],
  ];
  const names = namesOf(lines);
  const inOrder = (each: readonly string[]): void => {
    let from = 0;
    for (const name of each) {
      const at = names.indexOf(name, from);
      t.true(at >= from, `${name} in ${names.slice(from)}`);
      from = at + 1;
    }
  };
  inOrder(wanted);
  // init goes on while who waits for it is told.
  inOrder(["sent", "let-go", "spoke"]);
  t.deepEqual(
    lines.map(({ at }: Line) => at),
    lines.map(({ at }: Line) => at).sort((a: number, b: number) => a - b),
  );
  t.true(lines.every(({ took }: Line) => took === null || took >= 0));
  t.regex(begun, /^20\d\d-/);
  t.true(firstWords.took > 0 && firstWords.cpu > 0);
  t.is(failed, null);
  t.is(exit, null);
  const text = bench.call("trace", bench.id).stdout;
  t.regex(
    text,
    /^ *[\d.]+ +[\d.]+ {2}unikrun {2}read config\.json and found the guest: rumprun \/probe\.bin$/m,
  );
  t.regex(text, /^It began at 20\S+\.\nOf \d+ ms to the guest's first byte: unikrun \d+ ms/m);
  t.is(bench.call("exec", bench.id, "unikrun", "trace").stdout, text);
  const status = bench.call("exec", bench.id, "unikrun", "status").stdout;
  t.true(status.endsWith(`\n${text}`), status);
});

test.serial("a slow hook is shown as what the time went into", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  bench.configure((config) => Object.assign(config, { hooks: { createRuntime: [SLOW] } }));
  start(t, bench);
  const { lines, shares } = traceOf(bench);
  const hook = lines.find(({ what }: Line) => what === "hook");
  t.like(hook, { by: "hook", about: "createRuntime /bin/sleep" });
  t.true(hook.took >= 300);
  t.is(shares.hook, hook.took);
  t.regex(
    bench.call("trace", bench.id).stdout,
    new RegExp(`^ *[\\d.]+ +${hook.took.toFixed(1)} {2}hook +hook createRuntime /bin/sleep$`, "m"),
  );
});

test.serial("a start that failed shows where, and why", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  bench.configure((config) => Object.assign(config, { hooks: { poststart: [FAILING] } }));
  t.is(bench.call("create").code, 0);
  const { code, log } = bench.call("start", bench.id);
  t.is(code, 1);
  const { lines, failed, status } = traceOf(bench);
  t.is(status, "stopped");
  t.deepEqual(failed, { call: "start", error: log.at(-1)?.msg });
  const ofStart = lines.slice(lines.findLastIndex(({ what }: Line) => what === "called"));
  t.like(
    ofStart.find(({ what }: Line) => what === "hook"),
    { about: "poststart /bin/false" },
  );
  t.regex(bench.call("trace", bench.id).stdout, /^Its start failed: .*poststart hook \/bin\/false failed/m);
});

test.serial("a start that failed before its guest ran has no word of one", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  bench.configure((config) => {
    Object.assign(config, {
      mounts: [{ destination: "/data/x", source: `${bench.folder}/gone`, options: ["bind", "ro"] }],
    });
  });
  writeFileSync(`${bench.folder}/gone`, "");
  t.is(bench.call("create").code, 0);
  Bun.spawnSync(["rm", `${bench.rootfs}/probe.bin`]);
  t.is(bench.call("start", bench.id).code, 1);
  const { lines, failed, firstWords } = traceOf(bench);
  t.regex(failed.error, /its unikernel \/probe\.bin is gone/);
  t.false(namesOf(lines).includes("let-go"));
  t.is(firstWords, null);
});

test.serial("a create that failed leaves nothing, and tells its steps to whoever asks for more", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  bench.configure((config) => Object.assign(config, { hooks: { prestart: [SLOW, FAILING] } }));
  const create = ["--debug", "create", "--bundle", bench.bundle, bench.id];
  const { code, log } = bench.call(...create);
  t.is(code, 1);
  const steps = log.filter(({ level }) => level === "debug").map(({ msg }) => msg);
  t.true(
    steps.some((msg) => / create: \d+\.\d ms: hook prestart \/bin\/sleep$/.test(msg)),
    steps.join("\n"),
  );
  t.is(bench.call("trace", bench.id).code, 1);
});

test.serial("a guest that ended is traced until it is deleted, with the way it ended", (t) => {
  using bench = makeBench(["exit", "7"]);
  start(t, bench);
  t.is(bench.wait(), 7);
  const { exit, lines } = traceOf(bench);
  t.like(exit, { code: 7 });
  t.true(namesOf(lines).includes("gone"));
  t.like(
    lines.find(({ what }: Line) => what === "exit"),
    { about: 7 },
  );
});

test.serial("who ended a guest is told: a signal, or somebody who killed its init", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  start(t, bench);
  t.is(bench.call("kill", bench.id, "TERM").code, 0);
  t.is(bench.wait(), 143);
  t.like(traceOf(bench).exit, { code: 143, why: "signal", value: 15 });
  t.regex(bench.call("trace", bench.id).stdout, /^Exit code 143: init was sent SIGTERM\.$/m);
  using killed = makeBench(["sleep", "1000"]);
  start(t, killed);
  t.is(killed.call("kill", killed.id, "KILL").code, 0);
  killed.wait();
  t.like(traceOf(killed).exit, { code: 137, why: "killed" });
});

test.serial("a guest that talks without end adds nothing to its trace", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  start(t, bench);
  const file = `${bench.root}/${bench.id}/trace`;
  until(() => readFileSync(file, "utf8").includes('"spoke"'));
  const { length } = readFileSync(file);
  for (let times = 0; times < 3; times++) {
    bench.call("pause", bench.id);
    bench.call("resume", bench.id);
  }
  t.is(readFileSync(file).length, length);
});

test.serial("what the container's CPU limit held up is told", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  bench.configure(({ linux }) =>
    Object.assign(linux, { resources: { cpu: { quota: 2_000, period: 100_000 } } }),
  );
  start(t, bench);
  until(() => traceOf(bench).firstWords !== null);
  const { firstWords } = traceOf(bench);
  t.true(firstWords.held > 0, JSON.stringify(firstWords));
  t.regex(bench.call("trace", bench.id).stdout, /CPU limit had held it up for \d+ ms/);
});

test.serial("names of an image can't move a terminal's cursor", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  const name = "/probe\u001b[2J.bin";
  copyFileSync(`${bench.rootfs}/probe.bin`, `${bench.rootfs}${name}`);
  bench.configure(({ process }) => Object.assign(process, { args: [name, "sleep", "1000"] }));
  start(t, bench);
  t.true(bench.call("trace", bench.id).stdout.includes("rumprun /probe?[2J.bin\n"));
});

test.serial("one that an older unikrun made has a status, and no trace", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  start(t, bench);
  Bun.spawnSync(["rm", `${bench.root}/${bench.id}/trace`]);
  const { code, log } = bench.call("trace", bench.id);
  t.is(code, 1);
  t.regex(log.at(-1)?.msg ?? "", /^Nothing is known .* an older unikrun made it/);
  t.is(bench.call("status", bench.id).code, 0);
});
