/**
 * What the runtime tells its init: a list of "word" "value" pairs, each ended by NUL. init/words.json has the words, for each plan
 * its own: those of `init create`, `init exec`, and `init trial` and `init check`, which have a board's too, on DIRECTIVES_FD, and of the plans
 * of the board and of the start (channel.ts). init refuses a plan with any other.
 * A word may stand several times; order is kept where it matters (arguments, rules, mounts).
 * Nothing is escaped, so nothing can be unescaped wrongly: the only byte that a value cannot have is NUL, which no path or argument
 * has either.
 */
import { type plans, agreed as table } from "./init/words.json";

type Plans = typeof plans;
type Word = { [Plan in keyof Plans]: keyof Plans[Plan] }[keyof Plans];

export type Directive = readonly [word: Word, value: string];

/** Names and numbers that init has, too. */
export const agreed = table;

export function encodeDirectives(directives: readonly Directive[]): Buffer {
  for (const [word, value] of directives) {
    if (value.includes("\0"))
      throw new Error(`the ${word} ${JSON.stringify(value)} has a NUL character in it`);
  }
  return Buffer.from(directives.map(([word, value]) => `${word}\0${value}\0`).join(""));
}
