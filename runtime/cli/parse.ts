/** The fast way through the command line: no library, one pass. It follows urfave/cli, which runc uses. */
import { UnikrunError } from "../error.ts";
import { type Flag, GLOBALS, VERBS, type VerbEntry } from "./table.ts";
import type { Flags } from "./verb.ts";

export type Invocation =
  | {
      readonly kind: "verb";
      readonly verb: string;
      readonly globals: Flags;
      readonly flags: Flags;
      readonly args: readonly string[];
    }
  | { readonly kind: "help"; readonly verb?: string }
  | { readonly kind: "version" };

/** `argv` without the program's own name. Throws UnikrunError, one line, for what is not in the table. */
export function parse(argv: readonly string[]): Invocation {
  const globals = takeFlags(argv, GLOBALS, "");
  if (globals.version) return { kind: "version" };
  const [verb, ...rest] = globals.rest;
  if (verb === undefined || verb === "help") return { kind: "help", ...(rest[0] ? { verb: rest[0] } : {}) };
  if (globals.help) return { kind: "help" };
  const entry = VERBS.find(({ name }) => name === verb);
  if (!entry)
    throw new UnikrunError(
      `There is no command ${JSON.stringify(verb)}${suggest(verb, VERBS)}: see unikrun --help.`,
    );
  const named = { kind: "verb", verb, globals: globals.flags } as const;
  if (entry.open) return { ...named, flags: NONE, args: [idAmong(rest, verb)] };
  const { flags, rest: args, help } = takeFlags(rest, entry.flags, ` ${verb}`);
  if (help) return { kind: "help", verb };
  checkArguments(entry, args);
  return { ...named, flags, args };
}

const NONE: Flags = { string: () => undefined, boolean: () => false };

/** Flags up to the first word that is none; a value may follow after "=" or as the next word, one dash does as two. */
function takeFlags(words: readonly string[], known: readonly Flag[], verb: string) {
  const values = new Map<string, string>();
  let help = false;
  let version = false;
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      at++;
      break;
    }
    if (!word.startsWith("-") || word === "-") break;
    const [name = "", given] = splitOnce(word.replace(/^--?/, ""));
    if (name === "help" || name === "h") {
      help = true;
    } else if (verb === "" && (name === "version" || name === "v")) {
      version = true;
    } else {
      const flag = known.find((each) => each.name === name || each.alias === name);
      if (!flag)
        throw new UnikrunError(
          `unikrun${verb} has no flag ${JSON.stringify(word)}${suggest(name, known)}: see unikrun${verb} --help.`,
        );
      values.set(flag.name, valueOf(flag, given ?? (flag.kind === "boolean" ? "true" : words[++at]), verb));
    }
  }
  return { flags: reader(values), rest: words.slice(at), help, version };
}

function valueOf(flag: Flag, value: string | undefined, verb: string): string {
  if (value === undefined) throw new UnikrunError(`unikrun${verb} --${flag.name} needs a value.`);
  if (flag.kind === "boolean" && !["true", "false", "1", "0"].includes(value)) {
    throw new UnikrunError(
      `unikrun${verb} --${flag.name} can be true or false, not ${JSON.stringify(value)}.`,
    );
  }
  return value;
}

function reader(values: ReadonlyMap<string, string>): Flags {
  return {
    string: (name) => values.get(name),
    boolean: (name) => values.get(name) === "true" || values.get(name) === "1",
  };
}

function checkArguments({ name, args }: VerbEntry, given: readonly string[]): void {
  const needed = args.filter((arg) => !arg.startsWith("["));
  const missing = needed[given.length];
  if (missing) throw new UnikrunError(`unikrun ${name} needs ${missing}: unikrun ${name} ${args.join(" ")}.`);
  const surplus = given[args.length];
  if (surplus !== undefined) {
    throw new UnikrunError(
      `unikrun ${name} does not take ${JSON.stringify(surplus)}: unikrun ${[name, ...args].join(" ")}.`,
    );
  }
}

/** The container among words whose flags we don't know: engines put it last, or before a format or signal. */
function idAmong(words: readonly string[], verb: string): string {
  const id =
    verb === "exec" || verb === "ps" ? afterFlags(words) : words.findLast((word) => !word.startsWith("-"));
  if (id === undefined) throw new UnikrunError(`unikrun ${verb} needs the ID of a container.`);
  return id;
}

/** Of runc's flags of `exec` and `ps`, those that are followed by a value. */
const VALUED = [
  "console-socket",
  "pidfd-socket",
  "cwd",
  "env",
  "e",
  "user",
  "u",
  "additional-gids",
  "g",
  "process",
  "p",
  "pid-file",
  "process-label",
  "apparmor",
  "cap",
  "c",
  "preserve-fds",
  "cgroup",
  "format",
  "f",
];

function afterFlags(words: readonly string[]): string | undefined {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) return word;
    if (!word.includes("=") && VALUED.includes(word.replace(/^--?/, ""))) at++;
  }
  return undefined;
}

function splitOnce(word: string): [string, string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

/** ", did you mean …?" for the nearest name, if one is near. */
function suggest(word: string, known: readonly { readonly name: string }[]): string {
  const near = known
    .map(({ name }) => ({ name, distance: editDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near && near.distance <= 2 ? `, did you mean ${near.name}?` : "";
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
