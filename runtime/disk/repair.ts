import { UnikrunError } from "../error.ts";
import { runOnDisk, whyNoChecker } from "./checker.ts";

/** A disk as sentences about it have it. */
export interface NamedDisk {
  readonly fd: number;
  /** As in "the disk of the volume /srv/data". */
  readonly name: string;
  /** What to do where it can't be repaired here, a clause. */
  readonly remedy: string;
}

/** A clause for an error's sentence; undefined where disks can be repaired. */
export const whyNoRepair = (): string | undefined => whyNoChecker();

/**
 * Repairs an ext2 file system that nobody uses (e2fsck -fy), and keeps what can be kept: a rump kernel panics on an unclean one.
 * Throws UnikrunError where that can't be done, or takes too long.
 */
export function repairExt2(disk: NamedDisk): void {
  const ending = runOnDisk(disk.fd, "e2fsck", ["-f", "-y"]);
  if ("why" in ending) throw notRepaired(disk, ending.why);
  const { code, words } = ending;
  // e2fsck(8): 1 is "errors corrected", 2 would ask for a reboot of whoever has it mounted.
  const REPAIRED = 3;
  if ((code & ~REPAIRED) !== 0)
    throw notRepaired(disk, `e2fsck could not repair it (code ${code}${words && `: ${words}`})`);
}

/** Takes away the folder that a repair makes, if nothing is in it: databases take it for one of theirs. */
export function removeLostAndFound(disk: NamedDisk): void {
  const ending = runOnDisk(disk.fd, "debugfs", ["-w", "-R", "rmdir lost+found"]);
  if ("why" in ending) throw notRepaired(disk, ending.why);
}

const notRepaired = ({ name, remedy }: NamedDisk, why: string): UnikrunError =>
  new UnikrunError(`The file system on ${name} is not clean, and ${why}: what is on it is kept; ${remedy}.`);
