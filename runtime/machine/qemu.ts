import { exists, realPath } from "../../native/files.ts";
import { filesOfTree, listProgramFiles, type ProgramFiles } from "../../native/program-files.ts";
import { carriedProgram } from "../../native/program-tree.ts";
import { reasonOf, UnikrunError } from "../error.ts";

/** Where distributions put QEMU for x86-64. */
const PLACES = [
  "/usr/bin/qemu-system-x86_64",
  "/usr/local/bin/qemu-system-x86_64",
  "/usr/libexec/qemu-kvm",
  "/usr/bin/qemu-kvm",
  "/opt/kata/bin/qemu-system-x86_64",
];

/** The host's QEMU: `wanted` (an absolute path), the one that came with this program, or the first of the usual places. Its links are resolved. */
export function findQemu(wanted: string | undefined): string {
  const path =
    wanted ?? carriedProgram("usr/bin/qemu-system-x86_64") ?? PLACES.find((place) => exists(place));
  if (!path) {
    throw new UnikrunError(
      `There is no QEMU on this host (looked for ${PLACES.join(", ")}): install it (Debian: apt-get install qemu-system-x86), take the unikrun that comes with one, or set "qemu" in /etc/unikrun/config.json to its path.`,
    );
  }
  try {
    return realPath(path);
  } catch (cause) {
    throw new UnikrunError(
      `The QEMU ${path} can't be used (${reasonOf(cause)}): set "qemu" in /etc/unikrun/config.json to the path of qemu-system-x86_64.`,
      { cause },
    );
  }
}

/** This host's VMM. */
export interface Host {
  readonly qemu: string;
  readonly files: ProgramFiles;
}

/** Asks the dynamic linker and QEMU itself; takes some 60 ms, so the answer is kept (probe.ts). */
export function listQemuFiles(qemu: string): ProgramFiles {
  const tree = filesOfTree(qemu);
  if (tree) return tree;
  const help = Bun.spawnSync({ cmd: [qemu, "-L", "help"], env: {}, stdin: "ignore", stderr: "pipe" });
  const data = help.stdout
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("/") && exists(line));
  const { files, complaint } = listProgramFiles(qemu, data);
  if (!files || data.length === 0) {
    throw new UnikrunError(
      `The QEMU ${qemu} does not start (${complaint || help.stderr.toString().trim() || "it lists no libraries and no firmware"}): reinstall it, or set "qemu" in /etc/unikrun/config.json to another.`,
    );
  }
  return files;
}

/** Folders that QEMU looks for firmware in, among others. */
export const firmwareFolders = ({ root, needed }: ProgramFiles): readonly string[] =>
  root === "" ? needed : ["qemu", "seabios"].map((name) => `${root}/usr/share/${name}`);
