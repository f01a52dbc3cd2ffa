/**
 * Where things lie in kernels that were searched before, for all containers: a search reads all of a kernel, 3 to 5 ms of a start for
 * 4 MB, and this file takes 0.1. Only places and answers are kept, no content, so that what is wrong here can't be worse than none.
 */
import { makeFolders, readTextOrNull, rename, writeText } from "../../../native/files.ts";
import { parentOf } from "../../../native/paths.ts";
import { hostCache } from "../../places.ts";
import type { KernelFile } from "../file/kernel-file.ts";

/** On a file system that a reboot empties; its owner's alone. */
export const knownKernels = (): string => `${hostCache()}/kernels.json`;

export interface KernelLayout {
  /** The address of its array of files; null where it has none. */
  readonly files: number | null;
  readonly singleNetwork: boolean;
  readonly proxy: boolean;
}

interface Known {
  readonly version: typeof VERSION;
  readonly kernels: Readonly<Record<string, unknown>>;
}

/** To be raised when the search changes. */
const VERSION = 2;

/** Kernels; those that were found first are forgotten first. */
const MOST = 64;

/** What is known of a kernel in `file`, or what `search` finds; its `isWorthKeeping` says whether that is remembered. */
export function layoutOf(
  kernel: KernelFile,
  file: string,
  search: () => { layout: KernelLayout; isWorthKeeping: boolean },
): KernelLayout {
  const fingerprint = kernel.fingerprint?.() ?? null;
  if (fingerprint === null) return search().layout;
  const known = readKnown(file)[fingerprint];
  if (isLayout(known)) return known;
  const { layout, isWorthKeeping } = search();
  if (isWorthKeeping) remember(file, fingerprint, layout);
  return layout;
}

/** Of two that remember at once one is forgotten, and found again. */
function remember(file: string, fingerprint: string, layout: KernelLayout): void {
  const kernels = Object.entries(readKnown(file)).slice(-(MOST - 1));
  const known: Known = { version: VERSION, kernels: Object.fromEntries([...kernels, [fingerprint, layout]]) };
  try {
    makeFolders(parentOf(file), 0o700);
    const draft = `${file}.${process.pid}`;
    writeText(draft, JSON.stringify(known));
    rename(draft, file);
  } catch {
    // Where nothing can be written, as on a full file system, the next start searches again.
  }
}

function readKnown(file: string): Readonly<Record<string, unknown>> {
  try {
    const { version, kernels } = JSON.parse(readTextOrNull(file) ?? "{}") as Partial<Known>;
    return version === VERSION && kernels ? kernels : {};
  } catch {
    return {}; // Damaged: as good as none.
  }
}

function isLayout(value: unknown): value is KernelLayout {
  if (typeof value !== "object" || value === null) return false;
  const { files, singleNetwork, proxy } = value as Partial<Record<keyof KernelLayout, unknown>>;
  const isPlace = files === null || Number.isSafeInteger(files);
  return isPlace && typeof singleNetwork === "boolean" && typeof proxy === "boolean";
}
