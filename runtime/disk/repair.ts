import { statusOfFile } from "../../native/files.ts";
import { UnikrunError } from "../error.ts";

/** Where e2fsprogs and util-linux put their programs. */
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Repairs an ext2 file system that nobody uses (e2fsck -fy), and keeps what can be kept: a rump kernel panics on an unclean one.
 * A hostile guest made it, so the program that reads it gets nothing but it: it runs as the file's owner, without capabilities.
 * `name` is for the error.
 */
export function repairExt2(fd: number, name: string): void {
  const { uid, gid } = statusOfFile(fd);
  const program = ["e2fsck", "-f", "-y", "/proc/self/fd/3"];
  const cage = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"];
  const found = ["setpriv", "e2fsck"].filter((tool) => Bun.which(tool, { PATH }) === null);
  if (found.length > 0) {
    throw new UnikrunError(
      `The file system on ${name} is not clean, and can't be repaired without ${found.join(" and ")}: install ${found.includes("e2fsck") ? "e2fsprogs" : "util-linux"}; what is on it is kept.`,
    );
  }
  const { exitCode, signalCode, stdout } = Bun.spawnSync({
    cmd: ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, ...cage, ...program],
    env: { PATH },
    cwd: "/",
    stdio: ["ignore", "pipe", "ignore", fd],
  });
  // e2fsck(8): 1 is "errors corrected", 2 would ask for a reboot of whoever has it mounted.
  const REPAIRED = 3;
  if (signalCode || exitCode === null || (exitCode & ~REPAIRED) !== 0) {
    const words = stdout.toString().trim().split("\n").at(-1) ?? "";
    throw new UnikrunError(
      `The file system on ${name} is not clean, and e2fsck could not repair it (${signalCode ?? `code ${exitCode}`}: ${words}): what is on it is kept; see it with debugfs, and remove it to begin with what the folder has.`,
    );
  }
}
