/** What the host has set, in /etc/unikrun/config.json (config.schema.json). */
import { readText } from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { Firmware } from "../../guest/guest.ts";
import { warn } from "../../log.ts";
import { checked, dropUnknown, HOST_FILE, parse } from "./checked.ts";

export type AcceleratorSetting = "auto" | "kvm" | "tcg";

/** What no image can set. */
export interface HostSettings {
  /** Path of the VMM. */
  readonly qemu?: string;
  /** Paths of the programs that run what is not for QEMU. */
  readonly "solo5-spt"?: string;
  readonly "solo5-hvt"?: string;
  readonly accelerator?: AcceleratorSetting;
  readonly firmware?: Firmware;
  /** An emulated guest's log says so, and why. */
  readonly sayEmulated?: boolean;
  /** Whether a guest starts where its network namespace has rules that its frames go around. */
  readonly networkRules?: "refuse" | "ignore";
  /** Path of the runtime for what is not a unikernel. */
  readonly runtime?: string;
  /** Where disks of volumes and of read-only files are kept. */
  readonly store?: string;
  /** MiB that those of read-only files may take. */
  readonly cacheSize?: number;
  /** MiB that templates of warm starts may take. */
  readonly warmSize?: number;
  /** MiB that a guest can have in a volume. */
  readonly volumeSize?: number;
}

const MEBIBYTE = 1 << 20;

export const cacheBytes = ({ cacheSize = 10_240 }: HostSettings): number => cacheSize * MEBIBYTE;
export const warmBytes = ({ warmSize = 2048 }: HostSettings): number => warmSize * MEBIBYTE;
export const volumeBytes = ({ volumeSize = 10_240 }: HostSettings): number => volumeSize * MEBIBYTE;

export interface HostFile {
  readonly settings: HostSettings;
  /** Sentences about what in it is no setting. */
  readonly ignored: readonly string[];
}

/** No file, no settings. Throws UnikrunError that names the file and the field. */
export async function readHostFile(file = HOST_FILE): Promise<HostFile> {
  const value = readValue(file);
  if (value === undefined) return { settings: {}, ignored: [] };
  const { checkHost } = await import("../../../build/settings-check.js");
  const ignored = dropUnknown(value, checkHost).map((sentence) => `${file}: ${sentence}`);
  return { settings: checked(value, checkHost, subjectIn(file)), ignored };
}

/** The same, which warns of what is ignored. */
export async function hostSettings(file = HOST_FILE): Promise<HostSettings> {
  const { settings, ignored } = await readHostFile(file);
  for (const sentence of ignored) await warn(sentence);
  return settings;
}

/**
 * The one setting that containers depend on that are no unikernels, and what is wrong with a file that none can be read from.
 * Throws UnikrunError where it is that setting that is wrong: another runtime than the one that is wanted may guard less.
 */
export async function runtimeSetting(file = HOST_FILE): Promise<{ runtime?: string; wrong?: string }> {
  let value: unknown;
  try {
    value = readValue(file);
  } catch (error) {
    return { wrong: reasonOf(error) };
  }
  if (value === undefined) return {};
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return { wrong: `${file}: it must be an object.` };
  if (!("runtime" in value)) return {};
  const { runtime } = value;
  const { checkHost } = await import("../../../build/settings-check.js");
  return checked<{ runtime: string }>({ runtime }, checkHost, subjectIn(file));
}

const subjectIn = (file: string) => (place: string) => `${file}: ${place || "it"}`;

/** Undefined where there is no file. */
function readValue(file: string): unknown {
  let source: string;
  try {
    source = readText(file);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw new UnikrunError(`${file} can't be read (${reasonOf(cause)}).`, { cause });
  }
  return parse(source, file);
}
