import { agreed, type Directive } from "../../native/directives.ts";
import { readTextOrNull } from "../../native/files.ts";
import { UnikrunError } from "../error.ts";
import type { BoardKind } from "../guest/guest.ts";
import type { Accelerator } from "./accelerator.ts";
import { qemuOption } from "./option.ts";

const MIB = 1024 * 1024;

/**
 * What QEMU itself needs beside the guest's memory, in MiB: under TCG 21 MiB with the buffer for translated code full, and for memory
 * that the guest has touched page tables and an index of its file, 15 MiB for 3.5 GiB. KVM has no such buffer; its figure is the rest,
 * and was not measured. A tender takes 2 MiB itself; page tables of what its guest touches, for KVM twice, were reckoned: 14 MiB of
 * 3.5 GiB.
 */
const WITHOUT_BUFFER: Readonly<Record<Vmm, number>> = { kvm: 32, tcg: 32, tender: 16 };

/** QEMU, with what it runs guests on, or a tender. */
export type Vmm = Accelerator | "tender";

/** A board, or a tender, which has none. */
type Translated = Pick<BoardKind, "translationMiB"> & { readonly loader?: string };

/** TCG keeps translated code in memory; its own default is a gibibyte. In MiB. */
export const translationBuffer = ({ translationMiB = 8 }: Translated): number => translationMiB;

const overhead = (vmm: Vmm, board: Translated = {}): number =>
  WITHOUT_BUFFER[vmm] + (vmm === "tcg" ? translationBuffer(board) : 0);

export const overheadBytes = (...of: Parameters<typeof overhead>): number => overhead(...of) * MIB;

export const MEMORY_ID = "ram";

/** In the cage. */
const PATH = agreed.GUEST_MEMORY;

/** What init makes of it. */
export const memoryFile = (mebibytes: number): Directive[] => [["memory", `${PATH} ${mebibytes * MIB}`]];

/**
 * The guest's memory is a file, which init can write too. In a file the kernel keeps what the guest has touched, page by page; of
 * anonymous memory QEMU asks for huge pages, so a guest that touches a little everywhere would have it all.
 */
export function memoryArguments(mebibytes: number): string[] {
  const size = `${mebibytes}M`;
  return [
    ...["-m", size],
    "-object",
    qemuOption("memory-backend-file", {
      id: MEMORY_ID,
      size,
      "mem-path": `/${PATH}`,
      share: "on",
      dump: "off",
    }),
  ];
}

/** The host's memory in MiB (proc(5), meminfo). */
export function hostMemory(): number {
  const [, kibibytes] = /^MemTotal: +(\d+) kB$/m.exec(readTextOrNull("/proc/meminfo") ?? "") ?? [];
  return kibibytes === undefined ? Number.POSITIVE_INFINITY : Math.floor(Number(kibibytes) / 1024);
}

/**
 * The guest's memory in MiB. A container's limit (bytes) is the guest's memory and the VMM's overhead together, as far as the
 * family can use it and the host has it; `wanted` (MiB) comes from the image or the operator; with neither the family's default is taken.
 */
export function guestMemory(options: {
  containerId: string;
  limit: number | undefined;
  wanted: number | undefined;
  family: {
    readonly name: string;
    readonly board: Translated;
    readonly memory: {
      readonly defaultMiB: number;
      readonly floorMiB: number;
      readonly mostMiB: number;
    };
  };
  vmm: Vmm;
  hostMiB?: () => number;
}): number {
  const { containerId, limit, wanted, family, vmm, hostMiB = hostMemory } = options;
  const { floorMiB, defaultMiB, mostMiB } = family.memory;
  const own = overhead(vmm, family.board);
  const room = limit === undefined ? Number.POSITIVE_INFINITY : Math.floor(limit / MIB) - own;
  if (wanted !== undefined && wanted < floorMiB) {
    throw new UnikrunError(
      `Container ${containerId}: ${wanted} MiB of memory are too little for a ${family.name} guest: give it at least ${floorMiB} MiB.`,
    );
  }
  const host = hostMiB();
  if (wanted !== undefined && wanted > host) {
    throw new UnikrunError(
      `Container ${containerId}: ${wanted} MiB of memory for the guest are more than the ${host} MiB that this host has: ask for less.`,
    );
  }
  const needed = wanted ?? floorMiB;
  if (room < needed) {
    throw new UnikrunError(
      `Container ${containerId}: its memory limit of ${Math.floor((limit ?? 0) / MIB)} MiB leaves ${Math.max(room, 0)} MiB to the guest, after ${own} MiB for ${vmm === "tender" ? "its tender" : "QEMU"}, and it needs ${needed} MiB: raise the limit to ${needed + own} MiB or more (docker run --memory ${needed + own}m).`,
    );
  }
  if (wanted !== undefined || limit === undefined) return wanted ?? defaultMiB;
  // The kernel refuses a mapping of more than all that there is.
  return Math.max(floorMiB, Math.min(room, mostMiB, host - own));
}
