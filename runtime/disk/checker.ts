/** Programs that read and write a disk which a hostile guest left: each in a cage of its own, with nothing in it but the disk. */
import type { Directive } from "../../native/directives.ts";
import { readText, realPath, statusOfFile } from "../../native/files.ts";
import { runChecker } from "../../native/init.ts";
import { listProgramFiles, programDirectives } from "../../native/program-files.ts";
import { carriedProgram, placeProgram } from "../../native/program-tree.ts";

/** Where e2fsprogs puts them. */
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

const PACKAGE = "e2fsprogs";
type Program = "e2fsck" | "debugfs";

const findChecker = (program: Program): string | null =>
  carriedProgram(`usr/sbin/${program}`) ?? Bun.which(program, { PATH });

/** A clause for an error's sentence; undefined where disks can be repaired. */
export function whyNoChecker(programs: readonly Program[] = ["e2fsck", "debugfs"]): string | undefined {
  const missing = programs.find((program) => findChecker(program) === null);
  return missing && `this host has no ${missing} to repair it with: install ${PACKAGE}`;
}

/** What it can have: an honest file system takes a small part of that. */
interface Limits {
  /** Milliseconds of CPU time, and by the clock. */
  readonly cpu: number;
  readonly wall: number;
  /** Bytes. */
  readonly memory: number;
}

/** `size` of the disk in bytes. A volume of 10 GiB may take 100 s, and another start on it waits for two minutes. */
const limitsFor = (size: number): Limits => ({
  cpu: 10_000 + size / (256 * 1024),
  wall: 20_000 + size / (128 * 1024),
  memory: 2 ** 30 + size / 256,
});

/** How it ended: with a code and its last words, or why it did not end by itself, a clause. */
type Ending = { readonly code: number; readonly words: string } | { readonly why: string };

/** Runs it with the disk's descriptor. */
export function runOnDisk(disk: number, program: Program, options: readonly string[]): Ending {
  const missing = whyNoChecker([program]);
  if (missing) return { why: missing };
  const limits = limitsFor(sizeOf(disk));
  const outcome = runChecker(disk, planOf({ disk, program, options, limits }));
  if ("error" in outcome) return { why: `${program} can't be run (${outcome.error})` };
  const { end, exitCode: code, words } = outcome;
  switch (end) {
    case "ended":
      return { code, words: shown(words) };
    case "slow":
      return { why: `${program} was ended after ${seconds(limits.cpu)} s of CPU time` };
    case "late":
      return { why: `${program} was ended after ${seconds(limits.wall)} s` };
  }
}

function sizeOf(disk: number): number {
  const { size, isBlockDevice, node } = statusOfFile(disk);
  const SECTOR = 512;
  return isBlockDevice ? Number(readText(`/sys/dev/block/${node}/size`)) * SECTOR : size;
}

const seconds = (milliseconds: number): number => Math.round(milliseconds / 1000);

function planOf(options: {
  disk: number;
  program: Program;
  options: readonly string[];
  limits: Limits;
}): Directive[] {
  const { disk, program, limits } = options;
  const path = realPath(findChecker(program) ?? program);
  const { uid, isFile, size } = statusOfFile(disk);
  const { files } = listProgramFiles(path);
  const whole = (value: number): string => String(Math.ceil(value));
  return [
    // In the mount namespace of its own it is out of nobody's sight.
    ["cage", "/run"],
    ["rootfs", "/"],
    ["detach-mounts", ""],
    ...(files ? programDirectives(files) : []),
    ["processes", "proc"],
    ...[placeProgram(path).path, ...options.options, "/proc/self/fd/3"].map(
      (argument) => ["argument", argument] as const,
    ),
    // The disk is opened once more by that path, so it has to be its owner's.
    ["uid", String(uid)],
    ["cpu-limit", whole(limits.cpu)],
    ["wall-limit", whole(limits.wall)],
    ["memory-limit", whole(limits.memory)],
    ...(isFile ? [["size-limit", whole(size)] as const] : []),
  ];
}

/** Its last line, which may be a name that the guest chose. */
const shown = (words: string): string =>
  (words.split("\n").at(-1) ?? "").replace(/[^\x20-\x7e]/g, "?").slice(0, 300);
