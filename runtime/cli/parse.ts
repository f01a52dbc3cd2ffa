/**
 * The fast way through the command line: no library, one pass. It reads flags as runc does (Go's flag package below
 * urfave/cli): one dash or two, a value after "=" or as the next word, a boolean's only after "="; the global ones
 * before the command, a command's own before, between and after its arguments. Letters behind one dash are flags of one letter, as
 * in -it, where no flag has that name.
 */
import { UnikrunError } from "../error.ts";
import { nearest } from "../nearest.ts";
import { type Flag, GLOBALS, HELP, VERBS, type VerbEntry } from "./table.ts";
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
  const { flags: globals, args: rest } = check(scan(argv, GLOBALS, true), GLOBALS, "unikrun");
  if (globals.boolean("version")) return { kind: "version" };
  const [verb, ...words] = rest;
  if (verb === undefined || globals.boolean("help")) return { kind: "help" };
  const entry = VERBS.find(({ name }) => name === verb);
  if (!entry)
    throw new UnikrunError(
      `unikrun has no command ${JSON.stringify(verb)}${didYouMean(
        verb,
        VERBS.map(({ name }) => name),
      )} See unikrun --help.`,
    );
  const known = [...entry.flags(), HELP];
  const scanned = scan(words, known, entry.endsAtId ?? false);
  if (entry.delegated) return parseDelegated(entry, globals, scanned);
  const { flags, args } = check(scanned, known, `unikrun ${verb}`);
  if (flags.boolean("help")) return { kind: "help", verb };
  checkArguments(entry, args);
  if (verb === "help") return { kind: "help", ...(args[0] === undefined ? {} : { verb: args[0] }) };
  return { kind: "verb", verb, globals, flags, args };
}

/** The global flags alone, as far as they can be read: where an error about the rest has to be logged. */
export function globalsOf(argv: readonly string[]): Flags {
  return reader(scan(argv, GLOBALS, true).flags);
}

interface GivenFlag {
  readonly word: string;
  readonly name: string;
  /** Undefined where the table does not have it. */
  readonly flag: Flag | undefined;
  /** Undefined where it has none, but needs one. */
  readonly value: string | undefined;
}

interface Scanned {
  readonly flags: readonly GivenFlag[];
  readonly args: readonly string[];
}

/** Tells flags from arguments; after the first argument nothing is a flag any more where it `endsAtArgument`. */
function scan(words: readonly string[], known: readonly Flag[], endsAtArgument: boolean): Scanned {
  const flags: GivenFlag[] = [];
  const args: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return { flags, args: [...args, ...words.slice(at + 1)] };
    if (!word.startsWith("-") || word === "-") {
      if (endsAtArgument) return { flags, args: [...args, ...words.slice(at)] };
      args.push(word);
      continue;
    }
    const [name, given] = splitOnce(word.replace(/^--?/, ""));
    const [last, ...others] = flagsOf(word, name, known).reverse();
    for (const flag of others.reverse()) flags.push({ word, name, flag, value: "true" });
    const wantsWord = given === undefined && last !== undefined && last.kind !== "boolean";
    flags.push({ word, name, flag: last, value: wantsWord ? words[++at] : (given ?? "true") });
  }
  return { flags, args };
}

/** As a rule one, none where there is no such flag; of letters behind one dash each, where all but the last take no value. */
function flagsOf(word: string, name: string, known: readonly Flag[]): Flag[] {
  const flag = known.find((each) => each.name === name || each.alias === name);
  if (flag || word.startsWith("--")) return flag ? [flag] : [];
  const letters = [...name].flatMap((letter) => known.find(({ alias }) => alias === letter) ?? []);
  const isCluster =
    letters.length === name.length && letters.slice(0, -1).every(({ kind }) => kind === "boolean");
  return isCluster ? letters : [];
}

function splitOnce(word: string): [string, string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

/** `command` is what was called, as in "unikrun create". */
function check({ flags, args }: Scanned, known: readonly Flag[], command: string) {
  for (const { word, name, flag, value } of flags) {
    if (!flag)
      throw new UnikrunError(
        `${command} has no flag ${shown(word)}${hint(name, known)} See ${command} --help.`,
      );
    checkValue(flag, value, command);
  }
  return { flags: reader(flags), args };
}

/** The words that Go's strconv.ParseBool takes. */
const TRUE = ["true", "1", "t", "T", "TRUE", "True"];
const FALSE = ["false", "0", "f", "F", "FALSE", "False"];

function checkValue({ name, kind, choices }: Flag, value: string | undefined, command: string): void {
  const flag = `${command} --${name}`;
  if (value === undefined) throw new UnikrunError(`${flag} needs a value.`);
  const given = JSON.stringify(value);
  if (kind === "boolean" && !TRUE.includes(value) && !FALSE.includes(value))
    throw new UnikrunError(`${flag} can be true or false, not ${given}.`);
  if (kind === "number" && !/^[+-]?\d+$/.test(value))
    throw new UnikrunError(`${flag} must be a whole number, not ${given}.`);
  if (choices && !choices.includes(value))
    throw new UnikrunError(`${flag} can be ${choices.join(" or ")}, not ${given}.`);
}

/** Of a flag that was given twice, the last counts. */
function reader(flags: readonly GivenFlag[]): Flags {
  const find = (name: string): string | undefined => flags.findLast(({ flag }) => flag?.name === name)?.value;
  return { string: find, boolean: (name) => TRUE.includes(find(name) ?? "false") };
}

function checkArguments({ name, args }: VerbEntry, given: readonly string[]): void {
  const usage = `the usage is ${["unikrun", name, ...args].join(" ")}`;
  const missing = args.filter((arg) => !arg.startsWith("["))[given.length];
  if (missing) throw new UnikrunError(`unikrun ${name} needs ${missing}: ${usage}.`);
  const surplus = args.at(-1)?.endsWith("…]") ? undefined : given[args.length];
  if (surplus !== undefined)
    throw new UnikrunError(`unikrun ${name} does not take ${JSON.stringify(surplus)}: ${usage}.`);
}

/** The other runtime judges the words; only the container's id must be found among them. */
function parseDelegated(entry: VerbEntry, globals: Flags, scanned: Scanned): Invocation {
  const verb = entry.name;
  const flags = reader(scanned.flags);
  if (flags.boolean("help")) return { kind: "help", verb };
  // The value of a flag that only a newer runtime knows looks like an argument, and engines write the id last.
  const args = entry.endsAtId ? scanned.args : scanned.args.slice(-1);
  if (args.length === 0) checkArguments(entry, args);
  return { kind: "verb", verb, globals, flags, args };
}

function hint(name: string, known: readonly Flag[]): string {
  if (GLOBALS.some((flag) => flag.name === name)) return ": it goes before the command.";
  return didYouMean(
    name,
    known.map((flag) => flag.name),
    "--",
  );
}

/** Ends the sentence. */
function didYouMean(word: string, names: readonly string[], dashes = ""): string {
  const name = nearest(word, names);
  return name === undefined ? "." : `: did you mean ${dashes}${name}?`;
}

/** A flag without its value, which may be long or secret. */
const shown = (word: string): string => JSON.stringify(splitOnce(word)[0]);
