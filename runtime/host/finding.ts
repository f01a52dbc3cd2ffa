import { reasonOf } from "../error.ts";

/** One line of `unikrun check`. */
export type Finding = Fact & (Well | Trouble);

interface Fact {
  /** A word or two. */
  readonly subject: string;
  /** What is so. */
  readonly fact: string;
}

interface Well {
  readonly status: "ok";
  readonly advice?: never;
  readonly essential?: never;
}

interface Trouble {
  readonly status: "warning" | "missing";
  /** What to do. */
  readonly advice: string;
  /** Without it no guest runs at all. */
  readonly essential?: true;
}

/** Our sentences say what to do behind their last colon; `otherwise` is for one that does not. */
export function toldBy(error: unknown, otherwise: string): Pick<Trouble, "advice"> & Pick<Fact, "fact"> {
  const sentence = reasonOf(error).replace(/\.$/, "");
  // What is in parentheses is others' words.
  const plain = sentence.replace(/\([^()]*\)/g, (words) => " ".repeat(words.length));
  const colon = plain.lastIndexOf(": ");
  if (colon < 0) return { fact: sentence, advice: otherwise };
  return { fact: sentence.slice(0, colon), advice: sentence.slice(colon + 2) };
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
  const isMissing = findings.some(({ status }) => status === "missing");
  if (canRun(findings)) return `Guests can run on this host${isMissing ? ", but see what is missing" : ""}.`;
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
