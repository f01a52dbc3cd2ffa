/** What the host has set, in /etc/unikrun/config.json (config.schema.json). */
import { readText } from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { Firmware } from "../../guest/guest.ts";
import { checked, HOST_FILE, parse } from "./checked.ts";

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

export const storeFolder = ({ store = "/var/lib/unikrun" }: HostSettings): string => store;
export const cacheBytes = ({ cacheSize = 10_240 }: HostSettings): number => cacheSize * MEBIBYTE;
export const warmBytes = ({ warmSize = 2048 }: HostSettings): number => warmSize * MEBIBYTE;
export const volumeBytes = ({ volumeSize = 10_240 }: HostSettings): number => volumeSize * MEBIBYTE;

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
