/** What can be set, by whom: the host in /etc/unikrun/config.json, an image in /unikrun.json, the operator by annotations. */
import type { ErrorObject, ValidateFunction } from "ajv";
import { readText } from "../../native/files.ts";
import { errorCode } from "../../native/libc.ts";
import { reasonOf, UnikrunError } from "../error.ts";

export interface HostSettings {
  readonly qemu?: string;
  readonly accelerator?: "auto" | "kvm" | "tcg";
  readonly runtime?: string;
}

export interface GuestSettings {
  readonly family?: string;
  readonly kernel?: string;
  readonly args?: readonly string[];
  /** MiB. */
  readonly memory?: number;
  readonly disks?: readonly {
    readonly path: string;
    readonly mountpoint?: string;
    readonly readOnly?: boolean;
  }[];
}

const HOST_FILE = "/etc/unikrun/config.json";

/** No file, no settings. Throws UnikrunError that names the file and the field. */
export async function hostSettings(): Promise<HostSettings> {
  let source: string;
  try {
    source = readText(HOST_FILE);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return {};
    throw new UnikrunError(`${HOST_FILE} can't be read (${reasonOf(cause)}).`, { cause });
  }
  const { checkHost } = await import("../../build/settings-check.js");
  return checked(parse(source, HOST_FILE), checkHost, HOST_FILE);
}

/** `name` is the file's, for errors. */
export async function imageSettings(source: string, name: string): Promise<GuestSettings> {
  const { checkImage } = await import("../../build/settings-check.js");
  return checked(parse(source, name), checkImage, name);
}

const PREFIX = "org.unikrun.";

/** Annotations are texts: lists are written as JSON, numbers in digits. */
export async function annotationSettings(
  annotations: Readonly<Record<string, string>>,
): Promise<GuestSettings> {
  const own = Object.entries(annotations).filter(([name]) => name.startsWith(PREFIX));
  if (own.length === 0) return {};
  const values = own.map(([name, value]) => {
    const key = name.slice(PREFIX.length);
    const isText = key === "kernel" || key === "family";
    return [key, isText ? value : parse(value, `The annotation ${name}`)];
  });
  const { checkImage } = await import("../../build/settings-check.js");
  return checked(Object.fromEntries(values), checkImage, `The annotations ${PREFIX}*`);
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

function checked<Settings>(value: unknown, check: ValidateFunction, name: string): Settings {
  if (check(value)) return value as Settings;
  const [error] = check.errors ?? [];
  throw new UnikrunError(`${name}: ${error ? sentence(error) : "it is not valid"}.`);
}

function sentence(error: ErrorObject): string {
  const place = error.instancePath.slice(1).replaceAll("/", ".") || "it";
  switch (error.keyword) {
    case "additionalProperties": {
      const allowed = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
      const known = allowed.filter((key) => !key.startsWith("$")).join(", ");
      return `${JSON.stringify(error.params.additionalProperty)} can't be set here: there are ${known}`;
    }
    case "enum":
      return `${place} must be one of ${(error.params.allowedValues as unknown[]).join(", ")}`;
    case "pattern":
      return `${place} must be an absolute path`;
    default:
      return `${place} ${error.message ?? "is not valid"}`;
  }
}
