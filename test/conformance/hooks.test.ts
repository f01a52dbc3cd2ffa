import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { type Bench, leftovers, makeBench } from "./harness.ts";

const KINDS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

/** A hook that appends its kind, the namespace it ran in and the state it was given to a journal. */
function journal(bench: Bench): (kind: string) => { path: string; args: string[]; env: string[] } {
  const script = `${bench.folder}/hook`;
  writeFileSync(
    script,
    `#!/bin/sh\nread -r state\necho "$1 $(readlink /proc/self/ns/net) $WORD $state" >>${bench.folder}/journal\n`,
  );
  chmodSync(script, 0o755);
  return (kind) => ({ path: script, args: ["hook", kind], env: ["PATH=/bin:/usr/bin", `WORD=${kind}-word`] });
}

test.serial("hooks of every kind run in order, where they belong, with the state on stdin", (t) => {
  using bench = makeBench(["http", "80"]);
  const hook = journal(bench);
  bench.configure((config) => {
    // startContainer's path is looked up in the image, which has no shell: it gets a test of its own.
    const kinds = KINDS.filter((kind) => kind !== "startContainer");
    Object.assign(config, { hooks: Object.fromEntries(kinds.map((kind) => [kind, [hook(kind)]])) });
  });
  t.is(bench.call("create").code, 0);
  const container = Bun.spawnSync(["readlink", `/proc/${bench.pid()}/ns/net`])
    .stdout.toString()
    .trim();
  t.is(bench.call("start", bench.id).code, 0);
  bench.call("delete", "--force", bench.id);
  const lines = readFileSync(`${bench.folder}/journal`, "utf8").trim().split("\n");
  const entries = lines.map((line) => {
    const [kind, namespace, word, ...state] = line.split(" ");
    return { kind, namespace, word, state: JSON.parse(state.join(" ")) };
  });
  t.deepEqual(
    entries.map(({ kind, state }) => [kind, state.status]),
    [
      ["prestart", "created"],
      ["createRuntime", "created"],
      ["createContainer", "created"],
      ["poststart", "running"],
      ["poststop", "stopped"],
    ],
  );
  for (const { kind, word, namespace, state } of entries) {
    t.is(word, `${kind}-word`);
    t.is(state.id, bench.id);
    t.is(namespace === container, kind === "createContainer", kind);
  }
});

test.serial("a startContainer hook runs in the image's root, without a capability", (t) => {
  using bench = makeBench(["http", "80"]);
  mkdirSync(`${bench.rootfs}/bin`);
  mkdirSync(`${bench.rootfs}/out`, { mode: 0o777 });
  chmodSync(`${bench.rootfs}/out`, 0o777);
  Bun.spawnSync(["cp", "/bin/busybox", `${bench.rootfs}/bin/busybox`]);
  bench.configure((config) => {
    const args = ["busybox", "sh", "-c", "busybox ls / >/out/root; busybox id -u >/out/uid"];
    Object.assign(config, {
      hooks: { startContainer: [{ path: "/bin/busybox", args, env: ["PATH=/bin"] }] },
    });
  });
  t.is(bench.call("create").code, 0);
  t.false(existsSync(`${bench.rootfs}/out/root`));
  const started = bench.call("start", bench.id);
  t.is(started.code, 0, started.stderr);
  t.deepEqual(readFileSync(`${bench.rootfs}/out/root`, "utf8").trim().split("\n"), [
    "bin",
    "out",
    "probe.bin",
  ]);
});

test.serial("a poststart hook that fails ends the container, and start says so", (t) => {
  using bench = makeBench(["http", "80"]);
  bench.configure((config) => Object.assign(config, { hooks: { poststart: [{ path: "/bin/false" }] } }));
  t.is(bench.call("create").code, 0);
  const started = bench.call("start", bench.id);
  t.is(started.code, 1);
  t.regex(started.stderr, /poststart hook \/bin\/false failed/);
  t.is(bench.wait(), 137);
  bench.call("delete", bench.id);
  t.deepEqual(leftovers(bench), []);
});

test.serial("a poststop hook that fails is a warning: the next one runs, and the container is gone", (t) => {
  using bench = makeBench(["http", "80"]);
  const next = { path: "/bin/sh", args: ["sh", "-c", `echo next >${bench.folder}/next`] };
  bench.configure((config) => Object.assign(config, { hooks: { poststop: [{ path: "/bin/false" }, next] } }));
  t.is(bench.call("create").code, 0);
  const deleted = bench.call("delete", bench.id);
  t.is(deleted.code, 0);
  t.true(deleted.log.some(({ level, msg }) => level === "warning" && msg.includes("poststop")));
  t.is(readFileSync(`${bench.folder}/next`, "utf8"), "next\n");
  t.deepEqual(leftovers(bench), []);
});
