/** What the engines answered when docs/engines.md was last written, and what they answer now. */
import { readFileSync, writeFileSync } from "node:fs";
import { command, type Outcome, repository } from "../harness.ts";
import { render } from "./render.ts";
import { type Answers, allRows, type Row, type Table } from "./rows.ts";

const FILE = `${repository}/test/engine/table/answers.json`;

export const readTable = (): Table => JSON.parse(readFileSync(FILE, "utf8"));

/** Puts an engine's answers in the place of those that it had, in the file and in docs/engines.md. */
export function writeColumn(engine: string, version: string, answers: Answers): void {
  const table = readTable();
  const next: Table = {
    versions: { ...table.versions, [engine]: version },
    answers: { ...table.answers, [engine]: answers },
  };
  writeFileSync(FILE, `${JSON.stringify(next, null, 2)}\n`);
  writeFileSync(`${repository}/docs/engines.md`, render(next));
}

/** Refused, in the words that the user sees. */
export class Refused {
  constructor(readonly words: string) {}
}

/** An engine's answers, one row after the other. */
export class Column {
  readonly answers: Record<string, string> = {};

  /** `attempt` throws where it does not work, and may return how it was refused. */
  async row(name: Row, attempt: () => unknown): Promise<void> {
    if (this.answers[name] !== undefined) throw new Error(`${name} is answered twice`);
    try {
      const outcome = await attempt();
      this.answers[name] = outcome instanceof Refused ? `refused: ${outcome.words}` : "works";
    } catch (error) {
      this.answers[name] = `fails: ${error instanceof Error ? error.message : error}`;
    }
  }

  notApplicable(why: string, ...names: readonly Row[]): void {
    for (const name of names) this.answers[name] = `not applicable: ${why}`;
  }

  /** The rows that nobody answered. */
  missing(): Row[] {
    return allRows.filter((row) => this.answers[row] === undefined);
  }
}

/** A whole sentence of unikrun's in what an engine says. */
const SENTENCE = /\b(?:The c|C|c)ontainer [^\n]*?\.(?=: |"|\s*$)/m;

/** That a call failed with a sentence of ours; names and ids of the moment become C. */
export function refused({ code, stdout, stderr }: Outcome, pattern = SENTENCE): Refused {
  if (code === 0) throw new Error(`was not refused: ${stdout}`);
  const [words] = pattern.exec(stdout + stderr) ?? [];
  if (words === undefined) throw new Error(`was refused in other words: ${stdout}${stderr}`);
  return new Refused(anonymous(words));
}

/** Without what differs from run to run. */
export const anonymous = (words: string): string =>
  words
    .trim()
    .replace(/\b[0-9a-f]{12,64}\b|\b[a-z]+-\d+-\d+\b/g, "C")
    .replaceAll(/\s+/g, " ");

/** The names of version 2 for the settings of version 1 that have others there. */
const VERSION_2: Readonly<Record<string, string>> = {
  "memory.limit_in_bytes": "memory.max",
  "cpu.cfs_quota_us": "cpu.max",
};

/** A setting in the cgroup of a process, by its name in version 1; of cpu.max the quota. */
export function cgroupFile(pid: number | string, controller: string, file: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  const [, , unified] = lines.length === 2 ? (lines[0]?.split(":") ?? []) : [];
  if (unified !== undefined) {
    const value = readFileSync(`/sys/fs/cgroup${unified}/${VERSION_2[file] ?? file}`, "utf8").trim();
    return file === "cpu.cfs_quota_us" ? (value.split(" ")[0] ?? value) : value;
  }
  const path = lines
    .map((line) => line.split(":"))
    .find(([, names]) => names?.split(",").includes(controller))?.[2];
  return readFileSync(`/sys/fs/cgroup/${controller}${path}/${file}`, "utf8").trim();
}

/** Throws what is wrong with a value that must be right. */
export function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

/** A call's code must be this one. */
export function mustEnd(outcome: Outcome, code: number): string {
  must(outcome.code === code, `code ${outcome.code}: ${outcome.stderr.slice(-300)}`);
  return outcome.stdout;
}

/** A program on a terminal; types each answer when its prompt has been seen, and returns all that was shown. */
export async function onTerminal(
  cmd: string,
  dialog: readonly (readonly [prompt: RegExp, answer: string])[],
): Promise<{ code: number; shown: string }> {
  const terminal = Bun.spawn({
    cmd: ["timeout", "-s", "KILL", "120", "script", "-qefc", cmd, "/dev/null"],
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const waiting = [...dialog];
  const decoder = new TextDecoder();
  let shown = "";
  for await (const chunk of terminal.stdout) {
    shown += decoder.decode(chunk);
    const [next] = waiting;
    if (next?.[0].test(shown)) {
      waiting.shift();
      terminal.stdin.write(next[1]);
      terminal.stdin.flush();
    }
  }
  return { code: await terminal.exited, shown };
}

/** What busybox asks a guest beside it. */
export const LOCALHOST = ["timeout", "30", "wget", "-q", "-O", "-", "http://127.0.0.1/"] as const;

/** The first lines of `PROGRAM --version`, digits and dots only. */
export function versionOf(...cmd: readonly string[]): string {
  return /\d+(\.\d+)+/.exec(command(cmd).stdout)?.[0] ?? "unknown";
}
