import { statusOfFile } from "../../native/files.ts";
import { UnikrunError } from "../error.ts";

/** Where e2fsprogs and util-linux put their programs. */
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

const LOST_AND_FOUND = "lost+found";

/**
 * Repairs an ext2 file system that nobody uses (e2fsck -fy), and keeps what can be kept: a rump kernel panics on an unclean one.
 * `name` is for the error.
 */
export function repairExt2(fd: number, name: string): void {
  const { code, words } = runCaged(fd, ["e2fsck", "-f", "-y"], name);
  // e2fsck(8): 1 is "errors corrected", 2 would ask for a reboot of whoever has it mounted.
  const REPAIRED = 3;
  if ((code & ~REPAIRED) === 0) return;
  throw new UnikrunError(
    `The file system on ${name} is not clean, and e2fsck could not repair it (code ${code}: ${words}): what is on it is kept; see it with debugfs.`,
  );
}

/** A clause for an error's sentence; undefined where disks can be repaired. */
export function whyNoRepair(): string | undefined {
  const missing = Object.keys(PACKAGES).find((tool) => Bun.which(tool, { PATH }) === null);
  return missing && `this host has no ${missing} to repair it with: install ${PACKAGES[missing]}`;
}

const PACKAGES: Readonly<Record<string, string>> = {
  setpriv: "util-linux",
  e2fsck: "e2fsprogs",
  debugfs: "e2fsprogs",
};

/** Takes away the folder that a repair makes, if nothing is in it: databases take it for one of theirs. */
export function removeLostAndFound(fd: number, name: string): void {
  runCaged(fd, ["debugfs", "-w", "-R", `rmdir ${LOST_AND_FOUND}`], name);
}

/**
 * A hostile guest made the file system, so the program that reads it gets nothing but it: it runs as the file's owner, without
 * capabilities.
 */
function runCaged(
  fd: number,
  [program = "", ...options]: readonly string[],
  name: string,
): { code: number; words: string } {
  const why = whyNoRepair();
  if (why)
    throw new UnikrunError(`The file system on ${name} is not clean, and ${why}; what is on it is kept.`);
  const { uid, gid } = statusOfFile(fd);
  const cage = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"];
  const { exitCode, stdout } = Bun.spawnSync({
    cmd: ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, ...cage, program, ...options, "/proc/self/fd/3"],
    env: { PATH },
    cwd: "/",
    stdio: ["ignore", "pipe", "ignore", fd],
  });
  const KILLED = 128;
  return { code: exitCode ?? KILLED, words: stdout.toString().trim().split("\n").at(-1) ?? "" };
}
