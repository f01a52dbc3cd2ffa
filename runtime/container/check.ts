/**
 * Checks of values that came from JSON. Each takes the value and the name of its place, as in `process.args[1]`,
 * and throws UnikrunError with a sentence about that place. What is not described is accepted: the
 * specification wants unknown properties ignored (config.md, Extensibility).
 */
import { UnikrunError } from "../error.ts";

export type Check = (value: unknown, place: string) => void;

function wrong(value: unknown, place: string, wanted: string): never {
  throw new UnikrunError(`${place} must be ${wanted}, not ${nameOf(value)}.`);
}

/** What a value is, in words; short texts and numbers as they are. */
function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string" && value.length > 60) return "a long text";
  return JSON.stringify(value);
}

export const text: Check = (value, place) => {
  if (typeof value !== "string") wrong(value, place, "a text");
  if (value.includes("\0"))
    throw new UnikrunError(`${place} has a NUL character in it, which no path or argument can have.`);
};

export const filled: Check = (value, place) => {
  text(value, place);
  if (value === "") wrong(value, place, "a text that is not empty");
};

export const flag: Check = (value, place) => {
  if (typeof value !== "boolean") wrong(value, place, "true or false");
};

/** A whole number; by default one that fits into 64 bits with a sign. */
export function whole(least = -(2 ** 63), most = 2 ** 64): Check {
  return (value, place) => {
    if (typeof value !== "number" || !Number.isInteger(value)) wrong(value, place, "a whole number");
    if (value < least || value > most) wrong(value, place, `a whole number from ${least} to ${most}`);
  };
}

export const absolutePath: Check = (value, place) => {
  text(value, place);
  if (!String(value).startsWith("/")) wrong(value, place, "an absolute path");
};

export function oneOf(words: readonly string[]): Check {
  return (value, place) => {
    text(value, place);
    if (!words.includes(String(value))) wrong(value, place, `one of ${words.join(", ")}`);
  };
}

/** A text of a certain form; `wanted` says which, as in "a size such as 2MB". */
export function matching(pattern: RegExp, wanted: string): Check {
  return (value, place) => {
    text(value, place);
    if (!pattern.test(String(value))) wrong(value, place, wanted);
  };
}

export function list(check: Check): Check {
  return (value, place) => {
    if (!Array.isArray(value)) wrong(value, place, "a list");
    value.forEach((item, i) => {
      check(item, `${place}[${i}]`);
    });
  };
}

/** An object used as a map. */
export function map(check: Check): Check {
  return (value, place) => {
    if (!isObject(value)) wrong(value, place, "an object");
    for (const [key, item] of Object.entries(value)) {
      if (key === "") throw new UnikrunError(`${place} has a name that is empty.`);
      check(item, `${place}[${JSON.stringify(key)}]`);
    }
  };
}

/** Properties that are `required` must be there; null counts as absent for the others, as Go writes it. */
export function object(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  return (value, place) => {
    if (!isObject(value)) wrong(value, place, "an object");
    for (const [name, check] of Object.entries(required)) check(value[name], inside(place, name));
    for (const [name, check] of Object.entries(optional)) {
      if (value[name] !== undefined && value[name] !== null) check(value[name], inside(place, name));
    }
  };
}

/** Both checks. */
export function all(...checks: readonly Check[]): Check {
  return (value, place) => {
    for (const check of checks) check(value, place);
  };
}

/** No two items of a list have the same `key`. */
export function unique(key: string): Check {
  return (value, place) => {
    const seen = new Set<unknown>();
    for (const [i, item] of (value as readonly Record<string, unknown>[]).entries()) {
      if (seen.has(item[key]))
        throw new UnikrunError(
          `${place}[${i}].${key} repeats ${JSON.stringify(item[key])}: each may stand once.`,
        );
      seen.add(item[key]);
    }
  };
}

const inside = (place: string, name: string): string =>
  place === "" || place.endsWith(" ") ? `${place}${name}` : `${place}.${name}`;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
