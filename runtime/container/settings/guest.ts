/** What an image has set in /unikrun.json, and the operator by annotations, who wins (config.schema.json). */
import { checked, parse } from "./checked.ts";
import type { HostSettings } from "./host.ts";

/** The image's; the operator's annotations win over them. */
export const IMAGE_SETTINGS = "/unikrun.json";

/** What an image can set; all paths are in the image. */
export interface GuestSettings {
  readonly family?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly loader?: string;
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
  /** The TCP port that says by listening that the guest can be kept for warm starts. */
  readonly warm?: number;
}

/** What the operator can set of one container's machine; what the host has set, too, is won over. */
export type MachineSettings = Pick<HostSettings, "accelerator" | "firmware" | "sayEmulated" | "networkRules">;

export interface OperatorSettings extends GuestSettings, MachineSettings {}

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
    case "warm":
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

/** The operator's win, setting by setting. */
export const mergeSettings = (image: GuestSettings, operator: OperatorSettings): OperatorSettings => ({
  ...image,
  ...operator,
});
