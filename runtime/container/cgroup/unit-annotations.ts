import { UnikrunError } from "../../error.ts";
import type { UnitProperty } from "./unit-properties.ts";

const PREFIX = "org.systemd.property.";

/** Those are ours: another slice or process would lead out of the limits that the engine set. */
const OURS = ["Slice", "PIDs", "Delegate", "DefaultDependencies"];

/**
 * The properties that annotations such as `org.systemd.property.TimeoutStopUSec: uint64 10000000` give a container's unit
 * (runc, docs/systemd.md; Podman and CRI-O write them). Of GVariant's texts: true, numbers with or without a type, strings,
 * lists of strings. Throws UnikrunError that names the annotation.
 */
export function annotatedProperties(annotations: Readonly<Record<string, string>>): UnitProperty[] {
  return Object.entries(annotations).flatMap(([key, text]) => {
    if (!key.startsWith(PREFIX)) return [];
    const name = key.slice(PREFIX.length);
    if (!/^[A-Za-z]{3,}$/.test(name) || OURS.includes(name))
      throw new UnikrunError(
        `The annotation ${key} names no property of a unit that can be set: leave it out.`,
      );
    const variant = variantOf(text.trim());
    if (!variant) {
      throw new UnikrunError(
        `The annotation ${key} must be true, false, a number, as in "uint64 5", a string in quotes or a list of such, not ${JSON.stringify(text)}.`,
      );
    }
    return [inMicroseconds(name, variant)];
  });
}

const TYPES: Readonly<Record<string, string>> = {
  byte: "y",
  int16: "n",
  uint16: "q",
  int32: "i",
  uint32: "u",
  int64: "x",
  uint64: "t",
};

type Variant = UnitProperty[1];

function variantOf(text: string): Variant | null {
  if (text === "true" || text === "false") return ["b", text === "true"];
  const [, type = "int32", digits] = /^(?:([a-z]+\d*)\s+)?(-?\d+)$/.exec(text) ?? [];
  if (digits !== undefined) {
    const signature = TYPES[type];
    return signature ? [signature, "xt".includes(signature) ? BigInt(digits) : Number(digits)] : null;
  }
  const whole = stringOf(text);
  if (whole !== null) return ["s", whole];
  if (!/^\[.*\]$/.test(text)) return null;
  const inside = text.slice(1, -1).trim();
  const items = inside === "" ? [] : inside.split(",").map((item) => stringOf(item.trim()));
  return items.includes(null) ? null : ["as", items];
}

const stringOf = (text: string): string | null =>
  /^'([^'\\]*)'$|^"([^"\\]*)"$/.exec(text)?.slice(1).join("") ?? null;

/** Times are given in seconds as in a unit's file, and go to systemd in microseconds. */
function inMicroseconds(name: string, variant: Variant): UnitProperty {
  const [signature, value] = variant;
  if (!name.endsWith("Sec") || name.endsWith("USec") || !"nqiuxty".includes(signature))
    return [name, variant];
  return [name.replace(/Sec$/, "USec"), ["t", BigInt(value as number | bigint) * 1_000_000n]];
}
