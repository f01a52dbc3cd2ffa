/** Settings as the schema has them, or a sentence about the first that is wrong. Its checks were compiled by the build. */
import type { ErrorObject, ValidateFunction } from "ajv";
import { reasonOf, UnikrunError } from "../../error.ts";
import { nearest } from "../../nearest.ts";

export const HOST_FILE = "/etc/unikrun/config.json";

export function parse(source: string, name: string): unknown {
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new UnikrunError(`${name} is not JSON (${reasonOf(cause)}).`, { cause });
  }
}

/** `subject` makes the beginning of an error's sentence of a field's place; none is the whole. */
export function checked<Settings>(
  value: unknown,
  check: ValidateFunction,
  subject: (place: string) => string,
): Settings {
  if (check(value)) return value as Settings;
  const [error] = check.errors ?? [];
  throw new UnikrunError(error ? `${sentence(error, subject)}.` : `${subject("")} is not valid.`);
}

/** Takes out of an object what is no setting, and says of each. The object is changed. */
export function dropUnknown(value: unknown, check: ValidateFunction): string[] {
  const dropped: string[] = [];
  while (!check(value)) {
    const [error] = check.errors ?? [];
    if (error?.keyword !== "additionalProperties" || error.instancePath !== "") break;
    const name = String(error.params.additionalProperty);
    const known = knownOf(error);
    const meant = nearest(name, known);
    const advice = meant === undefined ? `there are ${known.join(", ")}` : `did you mean ${meant}?`;
    dropped.push(`${name} is no setting and is ignored: ${advice}`);
    Reflect.deleteProperty(value as object, name);
  }
  return dropped;
}

const knownOf = ({ parentSchema }: ErrorObject): string[] =>
  Object.keys((parentSchema as { properties?: object }).properties ?? {}).filter(
    (key) => !key.startsWith("$"),
  );

/** Settings that the host has and nobody else. */
const HOST_ONLY = [
  "qemu",
  "solo5-spt",
  "solo5-hvt",
  "accelerator",
  "firmware",
  "sayEmulated",
  "networkRules",
  "runtime",
  "store",
  "cacheSize",
  "warmSize",
  "volumeSize",
];

function sentence(error: ErrorObject, subject: (place: string) => string): string {
  const place = placeOf(error.instancePath);
  const about = subject(place);
  switch (error.keyword) {
    case "additionalProperties": {
      const name = String(error.params.additionalProperty);
      const wrong = subject(place ? `${place}.${name}` : name);
      if (place === "" && HOST_ONLY.includes(name))
        return `${wrong} can be set by the host only, in ${HOST_FILE}`;
      return `${wrong} is no setting: there are ${knownOf(error).join(", ")}`;
    }
    case "required":
      return `${about} has no ${error.params.missingProperty}`;
    case "enum":
      return `${about} must be one of ${(error.params.allowedValues as unknown[]).join(", ")}`;
    case "const":
      return `${about} can only be ${error.params.allowedValue}`;
    case "type":
      return `${about} must be ${TYPES[String(error.params.type)] ?? error.params.type}`;
    case "pattern":
      return `${about} must be ${String(error.params.pattern).startsWith("^/") ? "an absolute path" : "a string"} without NUL characters`;
    case "minimum":
      return `${about} must be ${error.params.limit} or more`;
    case "maximum":
      return `${about} must be ${error.params.limit} or less`;
    default:
      return `${about} ${error.message ?? "is not valid"}`;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  integer: "a whole number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
};

/** "/disks/0/path" is disks[0].path. */
const placeOf = (pointer: string): string =>
  pointer
    .slice(1)
    .replace(/\/(\d+)/g, "[$1]")
    .replaceAll("/", ".");
