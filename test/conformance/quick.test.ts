/** native/entry/quick.c and the runtime have the same rules: what it does by a container's brief is what the rest would do. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { SIGNALS, signalNumber } from "../../native/signals.ts";
import { readProcess } from "../../runtime/container/record/alive.ts";
import { writeBrief } from "../../runtime/container/record/brief.ts";
import type { Container } from "../../runtime/container/record/container.ts";
import { isId } from "../../runtime/container/record/id.ts";
import { containerReport } from "../../runtime/container/record/report.ts";
import { unikrun, until } from "./harness.ts";

function makeRoot(t: ExecutionContext): string {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-quick-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(`${folder}/root`);
  return `${folder}/root`;
}

/** A container with a brief and without a record, so that it is nobody's but quick.c's; its init is any process. */
function makeContainer(root: string, given: Partial<Container>): Container {
  const container = {
    version: 1,
    ociVersion: "1.0.2",
    id: "web",
    bundle: "/bundle",
    rootfs: "/bundle/rootfs",
    created: "2026-01-01T00:00:00.000Z",
    annotations: {},
    startTime: readProcess(given.pid ?? 0)?.startTime ?? 0,
    cgroup: { freezer: `${root}/freezer` },
    hooks: {},
    guest: { mounts: [] },
    ...given,
  } as unknown as Container;
  const folder = `${root}/${container.id}`;
  mkdirSync(folder, { recursive: true });
  writeBrief(folder, container);
  return container;
}

function call(root: string, ...args: string[]) {
  const { exitCode, stdout } = Bun.spawnSync([unikrun, "--root", root, ...args]);
  return { isDone: exitCode === 0, stdout: stdout.toString() };
}

/** Starts a process, and returns when it is what it executes. */
function start(t: ExecutionContext, command: readonly string[], name = "sleep"): number {
  const child = Bun.spawn([...command], { stdio: ["ignore", "ignore", "ignore"] });
  t.teardown(() => child.kill("SIGKILL"));
  until(() => readFileSync(`/proc/${child.pid}/comm`, "utf8") === `${name}\n`);
  return child.pid;
}

test.serial("an id is one for both, or for neither", (t) => {
  const root = makeRoot(t);
  const letters = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index));
  const ids = letters.flatMap((letter) => [letter, `a${letter}`]).filter((id) => !id.includes("/"));
  for (const id of [...ids, "..", "...", ".a", "_", "a\n", "\n", "é", "a".repeat(255)]) {
    makeContainer(root, { id, pid: process.pid });
    const isOurs = isId(id) && !id.startsWith("-");
    t.is(call(root, "state", id).isDone, isOurs, JSON.stringify(id));
  }
  for (const id of ["", "a/b", "a".repeat(256)]) t.false(call(root, "state", id).isDone, id);
});

/** The signal that a process has that blocks all of them; null for none. */
function receivedBy(pid: number): number | null {
  const process = readProcess(pid);
  if (!process || process.state === "Z") return SIGNALS.SIGKILL;
  if (process.state === "T") return SIGNALS.SIGSTOP;
  const [, mask = "0"] = /^ShdPnd:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  const bits = BigInt(`0x${mask}`);
  return bits === 0n ? null : bits.toString(2).length;
}

const NAMES = Object.keys(SIGNALS).flatMap((name) => [name, name.slice(3)]);
/** Without 32 and 33, which are the C library's, and nobody blocks. */
const NUMBERS = Array.from({ length: 67 }, (_, number) => String(number)).filter(
  (word) => !/^3[23]$/.test(word),
);
const ODD = [
  "",
  "kill",
  "sigterm",
  "009",
  "064",
  "+9",
  "-9",
  " 9",
  "9 ",
  "9\n",
  "0x9",
  "1e1",
  "9.0",
  "KILLED",
  "SIG",
];
const LONG = ["4294967305", "18446744073709551625", "99999999999999999999", "000000000000000009", "RTMIN+1"];

test.serial("a word is the same signal for both, or is left to the runtime", (t) => {
  const root = makeRoot(t);
  const done = new Set<string>();
  for (const word of [...NAMES, ...NUMBERS, ...ODD, ...LONG]) {
    const pid = start(t, ["env", "--block-signal", "sleep", "100"]);
    const { id } = makeContainer(root, { pid });
    const { isDone } = call(root, "kill", id, word);
    if (isDone) done.add(word);
    // What it does not do is done by nobody, as there is no record.
    t.is(receivedBy(pid), isDone ? (signalNumber(word) ?? null) : null, JSON.stringify(word));
    process.kill(pid, "SIGKILL");
  }
  t.true(["KILL", "SIGKILL", "TERM", "SIGTERM", "9", "15", "64"].every((word) => done.has(word)));
});

test.serial("SIGKILL thaws what it is sent to, and nothing else does", (t) => {
  const root = makeRoot(t);
  mkdirSync(`${root}/freezer`);
  const state = `${root}/freezer/freezer.state`;
  for (const [signal, after] of [
    ["TERM", "FROZEN"],
    ["KILL", "THAWED"],
  ] as const) {
    writeFileSync(state, "FROZEN");
    const { id } = makeContainer(root, { pid: start(t, ["sleep", "100"]) });
    t.true(call(root, "kill", id, signal).isDone);
    t.is(readFileSync(state, "utf8"), after);
  }
});

/** The pid of a process that has ended, which its parent does not ask for: as a shell, it still would. */
function zombie(t: ExecutionContext, root: string): number {
  const waits = `until read name </proc/$$/comm && [ "$name" = sleep ]; do :; done`;
  start(t, ["sh", "-c", `{ ${waits}; } & echo $! >${root}/zombie; exec sleep 100`]);
  const pid = Number(readFileSync(`${root}/zombie`, "utf8"));
  until(() => readProcess(pid)?.state === "Z");
  return pid;
}

test.serial("state is the same for both, whatever the process and its cgroup are", (t) => {
  const root = makeRoot(t);
  const [first, second] = [`${root}/freezer`, `${root}/unified`];
  for (const folder of [first, second]) mkdirSync(folder);
  const odd = "a) Z 1 (b c";
  symlinkSync("/bin/sleep", `${root}/${odd}`);
  const pid = start(t, ["sleep", "100"]);
  const { startTime = 0 } = readProcess(pid) ?? {};
  const frozen = (file: string, text: string) => () => writeFileSync(file, text);
  const cases: readonly [status: string, given: Partial<Container>, prepare?: () => void][] = [
    ["running", { pid }],
    ["running", { pid: start(t, [`${root}/${odd}`, "100"], odd) }],
    ["stopped", { pid, startTime: startTime + 1 }],
    ["stopped", { pid, startTime: Math.floor(startTime / 10) }],
    ["stopped", { pid: zombie(t, root) }],
    ["stopped", { pid: 2 ** 22 + 1 }],
    ["created", { pid }, () => writeFileSync(`${root}/web/start.sock`, "")],
    ["paused", { pid }, frozen(`${first}/freezer.state`, "FROZEN\n")],
    ["running", { pid }, frozen(`${first}/freezer.state`, "FREEZING\n")],
    ["running", { pid }, frozen(`${first}/freezer.state`, "THAWED\n")],
    ["paused", { pid, cgroup: { "": second } }, frozen(`${second}/cgroup.events`, "populated 1\nfrozen 1\n")],
    [
      "running",
      { pid, cgroup: { "": second } },
      frozen(`${second}/cgroup.events`, "populated 1\nfrozen 0\n"),
    ],
    [
      "running",
      { pid, cgroup: { "": second } },
      frozen(`${second}/cgroup.events`, "populated 1\nfrozen 11\n"),
    ],
  ];
  for (const [index, [status, given, prepare]] of cases.entries()) {
    const container = makeContainer(root, given);
    prepare?.();
    const { isDone, stdout } = call(root, "state", "web");
    t.true(isDone, String(index));
    t.is(stdout, `${JSON.stringify(containerReport(root, container), null, 2)}\n`, String(index));
    t.is(JSON.parse(stdout).status, status, String(index));
    rmSync(`${root}/web`, { recursive: true });
  }
});

test.serial(
  "delete removes the folders that the brief names where nothing lives, and nothing where something does",
  (t) => {
    const root = makeRoot(t);
    const folder = `${root}/freezer`;
    const alive = makeContainer(root, { pid: start(t, ["sleep", "100"]) });
    mkdirSync(folder);
    t.false(call(root, "delete", alive.id).isDone);
    t.true(existsSync(folder));
    const { id } = makeContainer(root, { pid: 2 ** 22 + 1, startTime: 1 });
    t.true(call(root, "delete", id).isDone);
    t.deepEqual(readdirSync(root), []);
  },
);
