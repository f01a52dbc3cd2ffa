/** One validation test of runtime-tools with one runtime. */
export interface Run {
  /** The test's executable. */
  readonly file: string;
  /** The checkout, where its tests find what they need. */
  readonly source: string;
  readonly runtime: string;
}

/** "PASSED/ALL" of its checks, "passes" or "fails" of a test that only complains, or how it stopped. */
export function runTap({ file, source, runtime }: Run): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync({
    cmd: ["timeout", "-s", "KILL", "60", file],
    cwd: source,
    env: { ...process.env, RUNTIME: runtime },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = stdout.toString().split("\n");
  const count = (word: string): number => lines.filter((line) => line.startsWith(word)).length;
  const [good, bad] = [count("ok "), count("not ok ")];
  const end = exitCode === 0 ? "" : "stops";
  if (good + bad > 0) return [`${good}/${good + bad}`, end].filter(Boolean).join(", ");
  // With no program to write checks these say so, and end with 0.
  const neverRan = /failed to (create|start) the container/.test(stderr.toString());
  if (end !== "") return neverRan ? "no container" : end;
  return lines.some((line) => /^ {4}"error": /.test(line)) ? "fails" : "passes";
}

/** How good a cell is, to compare two of one test: the share that passed. */
export function score(cell: string): number {
  const [, good, all] = /^(\d+)\/(\d+)/.exec(cell) ?? [];
  return all === undefined ? Number(cell === "passes") : Number(good) / Number(all);
}
