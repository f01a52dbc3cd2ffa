/** Runs the small C program that stands in a container; it is carried inside this binary. */
import { readFileSync } from "node:fs";
import image from "../build/init" with { type: "file" };
import { openPipe } from "./copy.ts";
import { type Directive, encodeDirectives } from "./directives.ts";
import { readAt, readText, writeAll } from "./files.ts";
import { owned } from "./libc.ts";
import { memoryFile } from "./process.ts";
import { type IdMaps, parseIdMap } from "./user-namespace.ts";

export type InitAnswer = { readonly pid: number } | { readonly error: string };

/** A path that this process and its children can execute; valid as long as it is not disposed of. */
function initProgram(): { path: string } & Disposable {
  // From a memory file: /run is mounted noexec on many hosts, and nobody can exchange it.
  const file = owned(memoryFile("unikrun-init", readFileSync(image)));
  return { path: `/proc/${process.pid}/fd/${file.fd}`, [Symbol.dispose]: () => file[Symbol.dispose]() };
}

/** Called with the pid of an init that waits, in nobody's cgroup, until it returns; where it throws, init ends. */
export type WhileHeld = (pid: number) => Promise<void>;

/** `lent` are descriptors that a container's init keeps (`held` in init/words.json). */
export type LaunchInit = (
  directives: readonly Directive[],
  whileHeld?: WhileHeld,
  lent?: readonly number[],
) => Promise<InitAnswer>;

/** What of `init` is to run, and a descriptor that it gets besides. */
interface Task {
  readonly name: "create" | "exec" | "trial" | "check";
  readonly given?: number;
}

const CREATE: Task = { name: "create" };

/**
 * Starts a container's init and returns when it has reported. It is then an orphan: a subreaper's (the shim's) child.
 * Its stdio is ours.
 */
export const createInit: LaunchInit = (directives, whileHeld, lent) =>
  launchOrphan(CREATE, directives, whileHeld, lent);

/** Like createInit, but what it starts stays between us and the container's init until that ends. */
export const waitForInit = (): WaitedFor => launchWaited(CREATE);

/** Starts a tool of `init exec` (native/init/exec/exec.c); `given` is the descriptor that it needs. Its stdio is ours. */
export const execTool = (given?: number): LaunchInit => launchOrphan.bind(null, execTask(given));

/** Like execTool, and tells its exit code. */
export const waitForTool = (given?: number): WaitedFor => launchWaited(execTask(given));

/** Runs such a tool to its end, and returns what it prints. Throws an Error with what it says on stderr. */
export async function askTool(given: number, directives: readonly Directive[]): Promise<string> {
  let said = "";
  let complaint = "";
  const answer = await launchInit({ name: "exec", given }, [...directives, waited()], async (init) => {
    const [stdin, , , ...rest] = init.stdio;
    const { stdout, stderr, exitCode } = Bun.spawnSync({ ...init, stdio: [stdin, "pipe", "pipe", ...rest] });
    said = stdout.toString();
    if (exitCode !== 0) complaint = stderr.toString().trim() || `it ended with the code ${exitCode}`;
  });
  if ("error" in answer) throw new Error(answer.error);
  if (complaint !== "") throw new Error(complaint.replace(/^unikrun: /, ""));
  return said;
}

const execTask = (given: number | undefined): Task => ({
  name: "exec",
  ...(given === undefined ? {} : { given }),
});

export interface WaitedFor {
  readonly launch: LaunchInit;
  exited(): Promise<number>;
}

const launchOrphan = (
  task: Task,
  directives: readonly Directive[],
  whileHeld?: WhileHeld,
  lent: readonly number[] = [],
): Promise<InitAnswer> =>
  launchInit(task, directives, async (init) => {
    if (whileHeld) await (await spawnHeld(init, whileHeld, lent)).exited;
    else Bun.spawnSync(withLent(init, lent));
  });

function launchWaited(task: Task): WaitedFor {
  let exited: Promise<number> = Promise.resolve(1);
  const launch: LaunchInit = (directives, whileHeld, lent = []) =>
    launchInit(task, [...directives, waited()], async (init, answer) => {
      const child = whileHeld ? await spawnHeld(init, whileHeld, lent) : Bun.spawn(withLent(init, lent));
      exited = child.exited;
      while (!answer() && readText(`/proc/${child.pid}/stat`).lastIndexOf(") Z") < 0) Bun.sleepSync(1);
    });
  return { launch, exited: () => exited };
}

type Command = ReturnType<typeof command>;

/** Behind the descriptor that would hold it: nothing does. */
function withLent(init: Command, lent: readonly number[], gate: number | "ignore" = "ignore"): Command {
  return lent.length === 0 && gate === "ignore" ? init : { ...init, stdio: [...init.stdio, gate, ...lent] };
}

/** Init goes on when it reads a byte from its descriptor 5, and ends when it finds the end of it. */
async function spawnHeld(
  init: Command,
  whileHeld: WhileHeld,
  lent: readonly number[],
): Promise<Bun.Subprocess> {
  const gate = openPipe();
  using writer = gate.writer;
  const child = Bun.spawn(withLent({ ...init, cmd: [...init.cmd, "held"] }, lent, gate.reader.fd));
  gate.reader[Symbol.dispose]();
  await whileHeld(child.pid);
  writeAll(writer.fd, Buffer.from([1]));
  return child;
}

/** It ends with us. */
const waited = (): Directive => ["wait", String(process.pid)];

/** How a program did that was run for a time only. */
export interface WatchedOutcome {
  /** "slow" had its CPU time, "late" its time by the clock, and both were ended then. */
  readonly end: "ended" | "slow" | "late";
  readonly exitCode: number;
  /** Seconds of CPU time. */
  readonly used: number;
  /** What it said first, or last, on stderr. */
  readonly words: string;
}

/** Runs the plan `directives` as a machine's, but for a trial (native/init/trial.c), and returns at its end. */
export const runTrial = (directives: readonly Directive[]): WatchedOutcome | { error: string } =>
  runWatched({ name: "trial" }, directives);

/** Runs a program that looks at a disk, which it gets as its descriptor 3, in a cage (native/init/check.c), and returns at its end. */
export const runChecker = (
  disk: number,
  directives: readonly Directive[],
): WatchedOutcome | { error: string } => runWatched({ name: "check", given: disk }, directives);

function runWatched(task: Task, directives: readonly Directive[]): WatchedOutcome | { error: string } {
  using prepared = prepare(task, [...directives, waited()]);
  Bun.spawnSync(prepared.init);
  const text = prepared.answer();
  const [, end, code, microseconds, words] = /^(ended|slow|late) (\d+) (\d+)\n(.*)$/s.exec(text) ?? [];
  if (end !== "ended" && end !== "slow" && end !== "late") return { error: complaintOf(text) };
  return { end, exitCode: Number(code), used: Number(microseconds) / 1e6, words: words?.trim() ?? "" };
}

/** `run` starts the program and returns when `answer` has something to say, or never will. */
async function launchInit(
  task: Task,
  directives: readonly Directive[],
  run: (init: Command, answer: () => string) => Promise<void>,
): Promise<InitAnswer> {
  using prepared = prepare(task, directives);
  await run(prepared.init, prepared.answer);
  const text = prepared.answer();
  return text.startsWith("pid ") ? { pid: Number(text.slice(4)) } : { error: complaintOf(text) };
}

const complaintOf = (answer: string): string =>
  answer.startsWith("error ") ? answer.slice(6) : "the container's init ended without a word";

interface Prepared extends Disposable {
  readonly init: Command;
  /** What it has said so far. */
  answer(): string;
}

function prepare(task: Task, directives: readonly Directive[]): Prepared {
  using opened = new DisposableStack();
  const program = opened.use(initProgram());
  const orders = opened.use(owned(memoryFile("directives", encodeDirectives(directives))));
  const answer = opened.use(owned(memoryFile("answer", new Uint8Array())));
  const all = opened.move();
  return {
    init: command(program.path, task, orders.fd, answer.fd),
    answer: () => readAt(answer.fd, 0, 2048).toString(),
    [Symbol.dispose]: () => all.dispose(),
  };
}

function command(program: string, { name, given }: Task, orders: number, answer: number) {
  const inherit = "inherit" as const;
  const stdio: [typeof inherit, typeof inherit, typeof inherit, ...(number | "ignore")[]] = [
    inherit,
    inherit,
    inherit,
    orders,
    answer,
    ...(given === undefined ? [] : [given]),
  ];
  return { cmd: [program, name], argv0: "unikrun-init", env: {}, stdio };
}

/** The maps of a user namespace, by its file. Throws an Error with what is wrong. */
export function readIdMaps(namespace: string): IdMaps {
  using program = initProgram();
  const { stdout, stderr, exitCode } = Bun.spawnSync({
    cmd: [program.path, "maps", namespace],
    stdin: "ignore",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(complaintOf(stderr.toString()));
  const [uids = "", gids = ""] = stdout.toString().split("\0");
  return { uids: parseIdMap(uids), gids: parseIdMap(gids) };
}

/** The command that runs `args` in the namespaces of `pid`, below `root` if one is given. */
export function enterCommand(options: {
  pid: number;
  root?: string;
  path: string;
  args: readonly string[];
}): { cmd: string[] } & Disposable {
  const program = initProgram();
  return {
    cmd: [program.path, "enter", String(options.pid), options.root ?? "-", options.path, ...options.args],
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}
