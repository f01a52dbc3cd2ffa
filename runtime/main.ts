/** The entry: reads the command line, loads the one verb that it names, and prints what went wrong, once. */

import { errorCode, loadLibc } from "../native/libc.ts";
import { joinPaths } from "../native/paths.ts";
import { run as runDelete } from "./cli/delete.ts";
import { run as runKill } from "./cli/kill.ts";
import { globalsOf, type Invocation, parse } from "./cli/parse.ts";
import { hasNoReader } from "./cli/print.ts";
import { run as runState } from "./cli/state.ts";
import type { Call, Verb } from "./cli/verb.ts";
import { reasonOf, UnikrunError } from "./error.ts";
import { logError, setLog } from "./log.ts";
import { defaultRoot } from "./places.ts";

/** Every verb; each is loaded when it is called for. */
const VERBS: Readonly<Record<string, () => Promise<{ run: Verb }>>> = {
  create: () => import("./cli/create.ts"),
  start: () => import("./cli/start.ts"),
  // Called most often, and small.
  state: () => Promise.resolve({ run: runState }),
  kill: () => Promise.resolve({ run: runKill }),
  delete: () => Promise.resolve({ run: runDelete }),
  list: () => import("./cli/list.ts"),
  ps: () => import("./cli/ps.ts"),
  pause: () => import("./cli/pause.ts"),
  resume: () => import("./cli/resume.ts"),
  update: () => import("./cli/update.ts"),
  events: () => import("./cli/events.ts"),
  exec: () => import("./cli/exec.ts"),
  checkpoint: () => import("./cli/checkpoint.ts"),
  restore: () => import("./cli/restore.ts"),
  run: () => import("./cli/run.ts"),
  spec: () => import("./cli/spec.ts"),
  status: () => import("./cli/status.ts"),
  trace: () => import("./cli/trace.ts"),
  logs: () => import("./cli/logs.ts"),
  features: () => import("./cli/features.ts"),
  inspect: () => import("./cli/inspect.ts"),
  volumes: () => import("./cli/volumes.ts"),
  templates: () => import("./cli/templates.ts"),
  install: () => import("./cli/install.ts"),
  uninstall: () => import("./cli/uninstall.ts"),
  check: () => import("./cli/check.ts"),
  report: () => import("./cli/report.ts"),
  completion: () => import("./cli/completion.ts"),
  version: () => import("./cli/version.ts"),
};

async function main(argv: readonly string[]): Promise<number> {
  // First, since an engine reads what is wrong with the rest in its log.
  const log = globalsOf(argv);
  setLog({
    format: log.string("log-format") === "json" ? "json" : "text",
    debug: log.boolean("debug"),
    ...optionalFile(log.string("log")),
  });
  loadLibc();
  const invocation = parse(argv);
  switch (invocation.kind) {
    case "help":
      await (await import("./cli/help.ts")).showHelp(invocation.verb);
      return 0;
    case "version":
      (await import("./cli/version.ts")).showVersion();
      return 0;
    case "verb":
      return callVerb(invocation);
  }
}

/** Absolute: start mounts and changes folders before the last use of it. */
function rootFolder(given: string | undefined): string {
  if (given === undefined) return defaultRoot();
  return given.startsWith("/") ? given : joinPaths(process.cwd(), given);
}

async function callVerb(invocation: Invocation & { kind: "verb" }): Promise<number> {
  const { globals } = invocation;
  const load = VERBS[invocation.verb];
  if (!load) throw new Error(`the command ${invocation.verb} has no file`);
  const { run } = await load();
  const call: Call = {
    verb: invocation.verb,
    root: rootFolder(globals.string("root")),
    rootGiven: globals.string("root") !== undefined,
    systemdCgroup: globals.boolean("systemd-cgroup"),
    flags: invocation.flags,
    args: invocation.args,
  };
  const code = await run(call);
  return code ?? 0;
}

const optionalFile = (file: string | undefined) => (file === undefined ? {} : { file });

/** What is short on the host, whatever a call was about, and what to do; by the system's names. */
const SHORT: Readonly<Record<string, string>> = {
  ENOSPC: "make room on that file system",
  EDQUOT: "make room, or raise the quota",
  EROFS: "have that file system writable, or choose another folder (--root)",
  EMFILE: "raise the limit of open files (ulimit -n)",
  ENFILE: "the host has as many open files as it may (fs.file-max)",
  ENOMEM: "the host is out of memory, or this cgroup has used up its own",
};

/** An error that is neither one of our sentences nor of what is short is a defect of ours: it says so, and where. */
function sentenceOf(error: unknown): string {
  if (error instanceof UnikrunError) return error.message;
  const advice = SHORT[errorCode(error)];
  if (advice) return `unikrun can't go on (${reasonOf(error)}): ${advice}.`;
  // Undoing what came before failed too: the first failure is the one to mend.
  if (error instanceof SuppressedError) {
    return `${sentenceOf(error.suppressed)} Cleaning up failed too: ${sentenceOf(error.error)}`;
  }
  const place = error instanceof Error ? (error.stack?.split("\n")[1] ?? "").trim() : "";
  return `unikrun failed unexpectedly: ${reasonOf(error)} ${place}`.trim();
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  // As every tool in a pipe: without a word, unless its caller had it ignore that signal.
  if (hasNoReader(error)) (await import("../native/caller.ts")).endByBrokenPipe();
  const noCalls = error instanceof TypeError && (await import("./no-calls.ts")).whyNoCalls(error);
  await logError(noCalls || sentenceOf(error));
  process.exit(1);
}
