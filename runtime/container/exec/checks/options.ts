/** Options as getopt(3) takes them apart. */
import { type Refusal, refuse } from "../request.ts";

/** Letters and long names, with what they mean; "" is no difference here. */
export interface Options {
  readonly program: string;
  readonly flags: Readonly<Record<string, string>>;
  /** Those that have a value. */
  readonly values: Readonly<Record<string, string>>;
  /** Whether "--name=value" is one. */
  readonly inline: boolean;
}

export interface Given {
  readonly flags: ReadonlySet<string>;
  /** By what it means; all that were given. */
  values(meaning: string): readonly string[];
  /** The last one given. */
  value(meaning: string): string | undefined;
  readonly words: readonly string[];
}

export function readOptions(args: readonly string[], options: Options): Given | Refusal {
  const flags = new Set<string>();
  const values: [string, string][] = [];
  const words: string[] = [];
  const pending = [...args];
  for (let word = pending.shift(); word !== undefined; word = pending.shift()) {
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      continue;
    }
    for (const [name, rest] of split(word, options)) {
      if (Object.hasOwn(options.flags, name) && (rest === undefined || !word.startsWith("--"))) {
        flags.add(options.flags[name] ?? "");
        continue;
      }
      const value = rest ?? pending.shift();
      if (!Object.hasOwn(options.values, name) || value === undefined)
        return refuse(options.program, `has no option ${JSON.stringify(word)}`);
      values.push([options.values[name] ?? "", value]);
      break;
    }
  }
  const given = (meaning: string) => values.filter(([each]) => each === meaning).map(([, value]) => value);
  return { flags, words, values: given, value: (meaning) => given(meaning).at(-1) };
}

/** The options in a word, each with what stands behind it there and is its value if it has one. */
function split(word: string, { inline }: Options): readonly (readonly [string, string | undefined])[] {
  if (word.startsWith("--")) {
    const [, name = "", value] = (inline ? /^--([^=]*)(?:=(.*))?$/s : /^--(.*)$/s).exec(word) ?? [];
    return [[name, value]];
  }
  return [...word.slice(1)].map((letter, at) => [letter, word.slice(at + 2) || undefined]);
}

/** Milliseconds of a text in seconds; null where it is none. None at all, as 0 is for these programs, is `otherwise`. */
export function milliseconds<Otherwise>(
  text: string | undefined,
  otherwise: Otherwise,
): number | Otherwise | null {
  if (text === undefined) return otherwise;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) return null;
  return Number(text) === 0 ? otherwise : Math.ceil(Math.min(Number(text), 3600) * 1000);
}
