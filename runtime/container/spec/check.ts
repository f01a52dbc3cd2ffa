/**
 * Checks of values that came from JSON. Each takes the value and the name of its place, as in `process.args[1]`,
 * and throws UnikrunError with a sentence about that place. What is not described is accepted: the
 * specification wants unknown properties ignored (config.md, Extensibility).
 */
import { UnikrunError } from "../../error.ts";

export type Check = (value: unknown, place: string) => void;

/** For a value of another type than `wanted`, as in "a string". */
function wrongType(value: unknown, place: string, wanted: string): never {
  if (value === undefined) throw new UnikrunError(`${place} is missing: it must be ${wanted}.`);
  throw new UnikrunError(`${place} must be ${wanted}, not ${typeName(value)}.`);
}

/** For a value of the right type that can't be taken. */
function wrongValue(value: unknown, place: string, wanted: string): never {
  const LONGEST = 60;
  const shown = JSON.stringify(value);
  throw new UnikrunError(
    `${place} must be ${wanted}, not ${shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown}.`,
  );
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

export const text: Check = (value, place) => {
  if (typeof value !== "string") wrongType(value, place, "a string");
  if (value.includes("\0"))
    throw new UnikrunError(`${place} has a NUL character in it, which no path or argument can have.`);
};

export const filled: Check = (value, place) => {
  text(value, place);
  if (value === "") wrongValue(value, place, "a string that is not empty");
};

export const flag: Check = (value, place) => {
  if (typeof value !== "boolean") wrongType(value, place, "true or false");
};

/** A whole number; by default one that fits into 64 bits, with a sign or without. */
export function whole(least = -(2 ** 63), most = 2 ** 64): Check {
  const range =
    most < 2 ** 53 ? `from ${least} to ${most}` : `of 64 bits${least < 0 ? "" : `, ${least} or more`}`;
  return (value, place) => {
    if (typeof value !== "number") wrongType(value, place, "a whole number");
    if (!Number.isInteger(value) || value < least || value > most)
      wrongValue(value, place, `a whole number ${range}`);
  };
}

export const absolutePath: Check = (value, place) => {
  text(value, place);
  if (!String(value).startsWith("/")) wrongValue(value, place, "an absolute path");
};

export function oneOf(words: readonly string[]): Check {
  return (value, place) => {
    text(value, place);
    if (!words.includes(String(value)))
      wrongValue(value, place, `one of ${words.filter(Boolean).join(", ")}`);
  };
}

/** A string of a certain form; `wanted` says which, as in "a size such as 2MB". */
export function matching(pattern: RegExp, wanted: string): Check {
  return (value, place) => {
    text(value, place);
    if (!pattern.test(String(value))) wrongValue(value, place, wanted);
  };
}

export function list(check: Check): Check {
  return (value, place) => {
    if (!Array.isArray(value)) wrongType(value, place, "an array");
    value.forEach((item, i) => {
      check(item, `${place}[${i}]`);
    });
  };
}

/** An object used as a map. */
export function map(check: Check): Check {
  return (value, place) => {
    if (!isObject(value)) wrongType(value, place, "an object");
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
    if (!isObject(value)) wrongType(value, place, "an object");
    for (const [name, check] of Object.entries(required)) check(value[name], inside(place, name));
    for (const [name, check] of Object.entries(optional)) {
      if (value[name] !== undefined && value[name] !== null) check(value[name], inside(place, name));
    }
  };
}

/** Each of the checks, in this order. */
export function all(...checks: readonly Check[]): Check {
  return (value, place) => {
    for (const check of checks) check(value, place);
  };
}

/** No two items of an array have the same `key`. */
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

/** Two properties of an object that make sense only together. */
export function together(first: string, second: string): Check {
  return (value, place) => {
    const has = (name: string): boolean => (value as Record<string, unknown>)[name] != null;
    if (has(first) === has(second)) return;
    const [there, missing] = has(first) ? [first, second] : [second, first];
    throw new UnikrunError(`${place} has ${there} without ${missing}: it must have both or neither.`);
  };
}

const inside = (place: string, name: string): string =>
  place === "" || place.endsWith(" ") ? `${place}${name}` : `${place}.${name}`;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
