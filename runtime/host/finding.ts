/** One line of `unikrun check`. */
export interface Finding {
  readonly status: "ok" | "warning" | "missing";
  /** A word or two. */
  readonly subject: string;
  /** What is so. */
  readonly fact: string;
  /** What to do; absent where there is nothing to do. */
  readonly advice?: string;
  /** Without it no guest runs at all. */
  readonly essential?: true;
}

/** Whether guests can run on a host with these findings: a warning of something essential leaves it open. */
export const canRun = (findings: readonly Finding[]): boolean =>
  !findings.some(({ status, essential }) => status !== "ok" && essential);

const WIDTH = 100;
const COLUMN = 25;

/** For people: at most 100 columns, the advice below its fact. */
export function screenOf(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ status, subject, fact, advice }) => {
    const head = `${status.padEnd(8)} ${subject}`.padEnd(COLUMN);
    const words = [...wrap(fact), ...(advice === undefined ? [] : wrap(`-> ${advice}`))];
    return words.map((line, at) => `${at === 0 ? head : " ".repeat(COLUMN)}${line}`);
  });
  return [...lines, "", verdictOf(findings)].join("\n");
}

function verdictOf(findings: readonly Finding[]): string {
  if (canRun(findings)) return "Guests can run on this host.";
  return findings.some(({ status, essential }) => status === "missing" && essential)
    ? "Guests can't run on this host yet: see what is missing."
    : "Whether guests can run on this host is not known: see the warnings.";
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= WIDTH - COLUMN)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
