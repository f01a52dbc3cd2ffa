import { ROWS, type Table } from "./rows.ts";

const HEAD = `# Engines

Made by \`test/engine/engines.test.ts\` from real runs; each run of the tests compares every cell with
what the engine answers then, so no cell is a promise only. (The column with "systemd" is of the
whole host in a virtual machine, which is slow: each run compares those of its cells that are about
one guest's life, and \`UNIKRUN_TABLE=all scripts/test --only host\` all of them.) With
\`UNIKRUN_TABLE=write\` in its environment the test writes this file and
\`test/engine/table/answers.json\` anew. [runtime-tools.md](runtime-tools.md) has the validation tests
of opencontainers/runtime-tools and the specification's own fixtures, by name, with runc, crun and
unikrun.

**yes**: works. **no** (number): refused, in the words of the note. **–** (letter): not applicable,
for the note's reason. Rootless Podman and Docker have no column:
[operations.md](operations.md#rootless-engines) says what holds there.
`;

/** docs/engines.md. */
export function render({ versions, answers }: Table): string {
  const engines = Object.keys(answers).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  const refusals = new Notes((index) => String(index + 1));
  const reasons = new Notes(letters);
  const cell = (engine: string, row: string): string => {
    const answer = answers[engine]?.[row] ?? "fails";
    const [kind, words = ""] = split(answer);
    if (kind === "works") return "yes";
    if (kind === "fails") return "fails";
    return kind === "refused" ? `no (${refusals.mark(words)})` : `– (${reasons.mark(words)})`;
  };
  const sections = Object.entries(ROWS).map(([title, rows]) =>
    [
      `## ${title}`,
      "",
      line(["", ...engines]),
      line(["---", ...engines.map(() => "---")]),
      ...rows.map((row) => line([row, ...engines.map((engine) => cell(engine, row))])),
      "",
    ].join("\n"),
  );
  const tried = engines.map((engine) => `${engine}: ${versions[engine]}`).join("; ");
  return [
    HEAD,
    wrapped(`Tried with ${tried}.`),
    "",
    ...sections,
    "## Refused, in these words",
    "",
    ...refusals.lines(),
    "",
    "## Not applicable, for these reasons",
    "",
    ...reasons.lines(),
    "",
  ].join("\n");
}

/** Engines side by side with their newer selves. */
const rank = (engine: string): number =>
  ["by hand", "Docker", "containerd", "CRI", "Podman"].findIndex((name) => engine.startsWith(name));

/** "refused: WORDS" in two. */
function split(answer: string): [kind: string, words?: string] {
  const [, kind, words] = /^(works|fails|refused|not applicable)(?:: ([\s\S]*))?$/.exec(answer) ?? [];
  if (kind === undefined) throw new Error(`${JSON.stringify(answer)} is no answer`);
  return words === undefined ? [kind] : [kind, words];
}

/** In lines of at most 100 characters, of which all but the first begin with `indent`. */
const wrapped = (text: string, indent = ""): string =>
  text
    .replace(/(.{1,98})(?: |$)/g, "$1\n")
    .trimEnd()
    .replaceAll("\n", `\n${indent}`);

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** a to z, then aa to zz. */
const letters = (index: number): string =>
  (index < 26 ? "" : letters(Math.floor(index / 26) - 1)) + String.fromCharCode(97 + (index % 26));

/** Words that several cells share, each under one mark. */
class Notes {
  readonly #words: string[] = [];
  readonly #name: (index: number) => string;

  constructor(name: (index: number) => string) {
    this.#name = name;
  }

  mark(words: string): string {
    if (!this.#words.includes(words)) this.#words.push(words);
    return this.#name(this.#words.indexOf(words));
  }

  lines(): string[] {
    return this.#words.map((words, index) => wrapped(`- (${this.#name(index)}) ${words}`, "  "));
  }
}
