/** What a file is to this runtime, said as a whole. */
import { factLines } from "../fact-lines.ts";
import { type Classification, classify } from "./detect.ts";
import { FEATURES, type Features } from "./features.ts";
import type { KernelFile } from "./file/kernel-file.ts";
import { type Firmware, namesOfDeclared } from "./guest.ts";

export type Inspection =
  | {
      readonly file: string;
      readonly kind: Exclude<Classification["kind"], "guest">;
      readonly family?: string;
      readonly why: string;
    }
  | GuestInspection;

interface GuestInspection {
  readonly file: string;
  readonly kind: "guest";
  readonly family: string;
  readonly version?: string;
  readonly target?: string;
  /** Physical address; absent where a loader finds it. */
  readonly entry?: number;
  /** What its machine begins with, or the program of the host that runs it in QEMU's place. */
  readonly firmware?: Firmware;
  readonly tender?: string;
  /** MiB: the least, and what it gets where nobody says how much. */
  readonly memory: { readonly least: number; readonly usual: number };
  /** By the guest's names for them; absent where it takes what there is. */
  readonly needs?: { readonly cards: readonly string[]; readonly disks: readonly string[] };
  readonly companion?: {
    readonly role: string;
    readonly places: readonly string[];
    readonly required: boolean;
  };
  readonly features: Features;
}

/** Throws UnikrunError for a file whose parts can't be read. */
export function inspect(kernel: KernelFile): Inspection {
  const found = classify(kernel);
  const file = kernel.path;
  if (found.kind === "program")
    return {
      file,
      kind: "program",
      why: "it is a program of Linux, which the container's other runtime runs",
    };
  if (found.kind !== "guest") return { file, ...found };
  const { family, recognition } = found;
  const { board } = family;
  const { version, target } = recognition;
  const { entry, pieces, end } = family.image(kernel);
  const { declared } = family.traits(kernel);
  const { defaultMiB, floorMiB } = family.memory;
  return {
    file,
    kind: "guest",
    family: family.name,
    ...(version === undefined ? {} : { version }),
    ...(target === undefined ? {} : { target }),
    ...(pieces.length === 0 ? {} : { entry }),
    ...(board.loader === "tender" ? { tender: board.program } : { firmware: board.firmware }),
    memory: { least: Math.max(floorMiB, Math.ceil(end / 2 ** 20)), usual: defaultMiB },
    ...(declared
      ? { needs: { cards: namesOfDeclared(declared, "nic"), disks: namesOfDeclared(declared, "disk") } }
      : {}),
    ...(family.companion ? { companion: family.companion } : {}),
    features: family.features,
  };
}

/** For people: a line for each, its name first. */
export function inspectionText(inspection: Inspection): string {
  if (inspection.kind !== "guest") {
    const { file, family, why } = inspection;
    return factLines([
      ["file", file],
      ["family", family ?? "none"],
      ["because", why],
    ]).join("\n");
  }
  const { file, family, version, target, entry, firmware, tender, memory, needs, companion, features } =
    inspection;
  const list = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["file", file],
    ["family", family],
    ["version", version],
    ["target", target],
    ["entry", entry === undefined ? undefined : `0x${entry.toString(16)}`],
    ["firmware", firmware],
    ["run by", tender],
    ["memory", `${memory.least} MiB or more, ${memory.usual} unless somebody says how much`],
    ["needs cards", needs && list(needs.cards)],
    ["needs disks", needs && list(needs.disks)],
    [
      companion?.role ?? "",
      companion && `${companion.places.join(", ")}${companion.required ? "" : " (if there is one)"}`,
    ],
    ...(Object.keys(FEATURES) as (keyof Features)[]).map((key): [string, string] => [
      FEATURES[key],
      features[key],
    ]),
  ];
  return factLines(facts).join("\n");
}
