/** A guest that a tender of the host's runs, in the cage that QEMU would have: it is started with all that it needs. */
import type { Directive } from "../../native/directives.ts";
import { exists, realPath } from "../../native/files.ts";
import { listLibraries } from "../../native/program-files.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { type KernelTraits, namesOfDeclared, type TenderKind } from "../guest/guest.ts";
import type { Nic } from "../network/nics.ts";
import type { TenderBoard } from "./board.ts";
import { vmmFiles } from "./cage.ts";
import { type RunPlan, runDirectives } from "./plan.ts";

const FOLDERS = ["/usr/bin", "/usr/local/bin"];

/** The host's tender: `wanted` (an absolute path), or that of the usual places. Its links are resolved. */
export function findTender(id: string, { program, target }: TenderKind, wanted: string | undefined): string {
  const places = FOLDERS.map((folder) => `${folder}/${program}`);
  const path = wanted ?? places.find((place) => exists(place));
  if (!path)
    throw new UnikrunError(
      `Container ${id}: its unikernel is built for Solo5's target ${target}, which ${program} runs, and this host has none (looked for ${places.join(", ")}): install it, or set ${JSON.stringify(program)} in /etc/unikrun/config.json to its path; what is built with -t virtio is run by QEMU.`,
    );
  try {
    return realPath(path);
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id}: the tender ${path} can't be used (${reasonOf(cause)}): set ${JSON.stringify(program)} in /etc/unikrun/config.json to the path of ${program}.`,
      { cause },
    );
  }
}

/** In the cage. */
const PROGRAM = "/tender";
const KERNEL = "guest/kernel";

export interface TenderPlan extends RunPlan {
  readonly tender: TenderBoard;
  readonly nics: readonly Pick<Nic, "mac">[];
  /** The taps' names in the network namespace, card by card. */
  readonly taps: readonly string[];
  readonly declared: NonNullable<KernelTraits["declared"]>;
  readonly cage: string;
  readonly rootfs: string;
  readonly detachMounts: boolean;
  readonly kernel: { readonly path: string; readonly onHost: boolean };
  readonly uid: number;
  readonly bootArguments: string;
}

/** The plan of board and start in one (native/directives.ts). */
export function tenderDirectives(plan: TenderPlan): Directive[] {
  const { tender, kernel } = plan;
  return [
    ["tender", ""],
    ["cage", plan.cage],
    ["rootfs", plan.rootfs],
    ...(plan.detachMounts ? [["detach-mounts", ""] as const] : []),
    ["bind", `${PROGRAM.slice(1)} ${tender.tender}`],
    ...vmmFiles({ files: listLibraries(tender.tender) }, tender.accelerator),
    [kernel.onHost ? "bind" : "image-file", `${KERNEL} ${kernel.path}`],
    ...tenderCommand(plan).map((argument) => ["argument", argument] as const),
    ...(plan.bootArguments === "" ? [] : [["hidden-argument", plan.bootArguments] as const]),
    ["uid", String(plan.uid)],
    ...runDirectives(plan),
  ];
}

/** What all on the host may read: nothing of it is the image's but its devices' names, which are letters and digits. */
function tenderCommand({ tender, nics, taps, declared }: TenderPlan): string[] {
  const cards = namesOfDeclared(declared, "nic");
  return [
    PROGRAM,
    `--mem=${tender.memoryMiB}`,
    ...nics.flatMap(({ mac }, card) => [
      `--net:${cards[card]}=${taps[card]}`,
      `--net-mac:${cards[card]}=${mac}`,
    ]),
    // No such file is there: it is lent a descriptor when it opens the path (native/init/cage/lending.c).
    ...namesOfDeclared(declared, "disk").map((name, disk) => `--block:${name}=/guest/disk${disk}`),
    "--",
    `/${KERNEL}`,
  ];
}
