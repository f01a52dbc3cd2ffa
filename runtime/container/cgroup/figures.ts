/** Figures as the kernel gives them in the files of a cgroup: exact, since many are near 2^64. */
import { readTextOrNull } from "../../../native/files.ts";
import type { Cgroup } from "./cgroup.ts";

/** The text of a controller's file; null where the host, or the cgroup, lacks it. */
export type Reader = (controller: string, name: string) => string | null;

export function readerOf(cgroup: Cgroup): Reader {
  return (controller, name) => {
    const folder = cgroup.folderOf(controller);
    return folder === undefined ? null : readTextOrNull(`${folder}/${name}`);
  };
}

/** What "max" is in numbers, as runc says it. */
export const UNLIMITED = 2n ** 64n - 1n;

/** The number that a file has; 0 for what is not there. */
export function figure(text: string | null | undefined): bigint {
  const word = (text ?? "").trim();
  if (word === "max") return UNLIMITED;
  return /^\d+$/.test(word) ? BigInt(word) : 0n;
}

/** The numbers of a file of "name value" lines. */
export function table(text: string | null): Readonly<Record<string, bigint>> {
  const lines = (text ?? "").split("\n").flatMap((line) => {
    const [name, value] = line.split(" ");
    return name && value ? [[name, figure(value)] as const] : [];
  });
  return Object.fromEntries(lines);
}

/** The most pids, where runc, unlike elsewhere, says 0 for no limit. */
export function pidsFigure(text: string | null): bigint {
  const most = figure(text);
  return most === UNLIMITED ? 0n : most;
}

/** What was read from or written to a device of the host, in bytes or in operations. */
export interface DeviceFigure {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: bigint;
}

/** The words of each "major:minor WORD…" line, and its device. */
export function deviceLines(
  text: string | null,
): { readonly device: Pick<DeviceFigure, "major" | "minor">; readonly words: readonly string[] }[] {
  return (text ?? "").split("\n").flatMap((line) => {
    const [, major, minor, rest = ""] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    if (major === undefined || minor === undefined) return [];
    return [{ device: { major: Number(major), minor: Number(minor) }, words: rest.split(" ") }];
  });
}

declare global {
  interface JSON {
    /** ECMAScript, JSON.parse source text access: `text` as it is to stand in what stringify makes. */
    rawJSON(text: string): unknown;
  }
}

/** JSON with each digit of figures, which JavaScript would round; Go's reader refuses 2^64 for what has 64 bits. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === "bigint" ? JSON.rawJSON(String(each)) : each));
}
