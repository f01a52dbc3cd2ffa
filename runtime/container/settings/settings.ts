/**
 * What can be set, by whom (config.schema.json): the host in /etc/unikrun/config.json, an image in /unikrun.json,
 * the operator by annotations. The checks were compiled by the build, and are loaded where there is something to check.
 */
import type { ErrorObject, ValidateFunction } from "ajv";
import { readText } from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { Firmware } from "../../guest/guest.ts";

export type AcceleratorSetting = "auto" | "kvm" | "tcg";

/** What no image can set. */
export interface HostSettings {
  /** Path of the VMM. */
  readonly qemu?: string;
  readonly accelerator?: AcceleratorSetting;
  readonly firmware?: Firmware;
  /** An emulated guest's log says so, and why. */
  readonly sayEmulated?: boolean;
  /** Path of the runtime for what is not a unikernel. */
  readonly runtime?: string;
  /** Where disks of volumes and of read-only files are kept. */
  readonly store?: string;
  /** MiB that those of read-only files may take. */
  readonly cacheSize?: number;
  /** MiB that a guest can have in a volume. */
  readonly volumeSize?: number;
}

/** What an image can set; all paths are in the image. */
export interface GuestSettings {
  readonly family?: string;
  readonly kernel?: string;
  /** Put before the arguments of the container. */
  readonly args?: readonly string[];
  /** MiB. */
  readonly memory?: number;
  readonly disks?: readonly {
    readonly path: string;
    readonly mountpoint?: string;
    readonly readOnly?: boolean;
    readonly format?: "raw";
  }[];
}

/** What the operator can set for one container; what the host has set, too, is won over. */
export interface OperatorSettings
  extends GuestSettings,
    Pick<HostSettings, "accelerator" | "firmware" | "sayEmulated"> {}

const MEBIBYTE = 1 << 20;

export const storeFolder = ({ store = "/var/lib/unikrun" }: HostSettings): string => store;
export const cacheBytes = ({ cacheSize = 10_240 }: HostSettings): number => cacheSize * MEBIBYTE;
export const volumeBytes = ({ volumeSize = 10_240 }: HostSettings): number => volumeSize * MEBIBYTE;

const HOST_FILE = "/etc/unikrun/config.json";

/** No file, no settings. Throws UnikrunError that names the file and the field. */
export async function hostSettings(file = HOST_FILE): Promise<HostSettings> {
  let source: string;
  try {
    source = readText(file);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return {};
    throw new UnikrunError(`${file} can't be read (${reasonOf(cause)}).`, { cause });
  }
  const { checkHost } = await import("../../../build/settings-check.js");
  return checked(parse(source, file), checkHost, (place) => `${file}: ${place || "it"}`);
}

/** `name` is the file's, for errors. Throws UnikrunError that names the field. */
export async function imageSettings(source: string, name: string): Promise<GuestSettings> {
  const { checkImage } = await import("../../../build/settings-check.js");
  return checked(parse(source, name), checkImage, (place) => `${name}: ${place || "it"}`);
}

export const ANNOTATION_PREFIX = "org.unikrun.";

/** Annotations are texts: a number is written in digits, yes and no as true and false, arrays in JSON. Throws UnikrunError that names the annotation. */
export async function annotationSettings(
  annotations: Readonly<Record<string, string>>,
): Promise<OperatorSettings> {
  const own = Object.entries(annotations).filter(([name]) => name.startsWith(ANNOTATION_PREFIX));
  if (own.length === 0) return {};
  const values = own.map(([name, text]) => [
    name.slice(ANNOTATION_PREFIX.length),
    annotationValue(name, text),
  ]);
  const { checkAnnotations } = await import("../../../build/settings-check.js");
  return checked(
    Object.fromEntries(values),
    checkAnnotations,
    (place) => `The annotation ${ANNOTATION_PREFIX}${place}`,
  );
}

function annotationValue(name: string, text: string): unknown {
  switch (name.slice(ANNOTATION_PREFIX.length)) {
    case "memory":
      return /^\d+$/.test(text) ? Number(text) : text;
    case "sayEmulated":
      return text === "true" ? true : text === "false" ? false : text;
    case "args":
    case "disks":
      return parse(text, `The annotation ${name}`);
    default:
      return text;
  }
}

/** Later ones win, setting by setting. */
export function mergeGuestSettings(...all: readonly GuestSettings[]): GuestSettings {
  return Object.assign({}, ...all);
}

function parse(source: string, name: string): unknown {
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new UnikrunError(`${name} is not JSON (${reasonOf(cause)}).`, { cause });
  }
}

/** `subject` makes the beginning of an error's sentence of a field's place; none is the whole. */
function checked<Settings>(
  value: unknown,
  check: ValidateFunction,
  subject: (place: string) => string,
): Settings {
  if (check(value)) return value as Settings;
  const [error] = check.errors ?? [];
  throw new UnikrunError(error ? `${sentence(error, subject)}.` : `${subject("")} is not valid.`);
}

/** Settings that the host has and nobody else. */
const HOST_ONLY = [
  "qemu",
  "accelerator",
  "firmware",
  "sayEmulated",
  "runtime",
  "store",
  "cacheSize",
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
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
      return `${wrong} is no setting: there are ${known.filter((key) => !key.startsWith("$")).join(", ")}`;
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
