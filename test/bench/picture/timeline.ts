/** Who spends which millisecond between `docker run` and the answer. */
import { command } from "../../engine/harness.ts";
import { takeTurn } from "../docker/contenders.ts";
import { type FirstAnswer, firstAnswer, remove } from "../docker/first-answer.ts";
import { median, round } from "../median.ts";
import type { Call, Timed } from "./timed-runtime.ts";

/** In the order of what they do; some come twice. */
export const SPENDERS = {
  engine: "Docker and containerd",
  network: "Docker's network",
  create: "the runtime's create",
  start: "the runtime's start",
  boot: "the machine, to its first line",
  guest: "the guest, until it listens",
  answer: "until the answer",
} as const;

export type Spender = keyof typeof SPENDERS;

/** Milliseconds of one spender, one after the other. */
export interface Stretch {
  readonly spender: Spender;
  readonly milliseconds: number;
}

export interface Timeline {
  readonly name: string;
  readonly stretches: readonly Stretch[];
}

/** Milliseconds by spender, and `total`. */
export function sums(stretches: readonly Stretch[]): Record<string, number> {
  const of = (some: readonly Stretch[]): number =>
    round(
      some.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      1,
    );
  const spenders = Object.keys(SPENDERS) as Spender[];
  const entries = spenders.map((each) => [each, of(stretches.filter(({ spender }) => spender === each))]);
  return { ...Object.fromEntries(entries), total: of(stretches) };
}

/** The medians of each stretch, of every contender in turn. */
export async function timelines(
  contenders: readonly Timed[],
  folder: string,
  rounds: number,
): Promise<Timeline[]> {
  const all = contenders.map((contender) => ({ contender, runs: [] as Stretch[][] }));
  for (let turn = 0; turn < rounds; turn++) {
    for (const { contender, runs } of all) {
      takeTurn(contender, folder);
      const answer = await firstAnswer(contender);
      const lines = linesOf(answer.container);
      // Before its end is a call, too.
      runs.push(stretchesOf(answer, contender.takeCalls(), lines));
      remove(answer.container);
      contender.takeCalls();
    }
  }
  return all.map(({ contender: { name }, runs }) => ({ name, stretches: typical(runs) }));
}

/** When the lines of a container's log came that say something, in milliseconds since 1970. */
function linesOf(container: string): { readonly at: number; readonly text: string }[] {
  const { stdout } = command(["docker", "logs", "--timestamps", container]);
  return stdout.split("\n").flatMap((line) => {
    const [, second = "", fraction = "", text = ""] = /^(\S+?)(\.\d+)Z (.*\S)/.exec(line) ?? [];
    return text === "" ? [] : [{ at: Date.parse(`${second}Z`) + Number(`0${fraction}`) * 1000, text }];
  });
}

/** What began when the one before it ended; a stretch that another has outlasted is left with nothing. */
function stretchesOf(
  { asked, answered }: FirstAnswer,
  calls: readonly Call[],
  lines: ReturnType<typeof linesOf>,
): Stretch[] {
  const call = (name: string): Call | undefined => calls.find((each) => each.name === name);
  const [create, hook, start] = [call("create"), call("hook"), call("start")];
  if (create === undefined || start === undefined)
    throw new Error("the engine called neither create nor start");
  const listens = lines.find(({ text }) => /serving HTTP/.test(text));
  const ends: [Spender, number | undefined][] = [
    ["engine", create.begin],
    ["create", hook?.begin],
    ["network", hook?.end],
    ["create", create.end],
    ["engine", start.begin],
    ["start", start.end],
    ["boot", lines[0]?.at],
    ["guest", listens?.at],
    ["answer", answered],
  ];
  let reached = asked;
  return ends.map(([spender, end]) => {
    const from = reached;
    reached = Math.max(reached, Math.min(end ?? reached, answered));
    return { spender, milliseconds: reached - from };
  });
}

function typical(runs: readonly (readonly Stretch[])[]): Stretch[] {
  return (runs[0] ?? []).map(({ spender }, index) => ({
    spender,
    milliseconds: round(median(runs.map((run) => run[index]?.milliseconds ?? 0)), 1),
  }));
}
