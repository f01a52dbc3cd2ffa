import { exists, readLink, realPath, statusOrNull } from "../../native/files.ts";
import { parentOf } from "../../native/paths.ts";
import { reasonOf, UnikrunError } from "../error.ts";

/** Where distributions put QEMU for x86-64. */
const PLACES = [
  "/usr/bin/qemu-system-x86_64",
  "/usr/local/bin/qemu-system-x86_64",
  "/usr/libexec/qemu-kvm",
  "/usr/bin/qemu-kvm",
  "/opt/kata/bin/qemu-system-x86_64",
];

/** The host's QEMU: `wanted` (an absolute path) or the first of the usual places. Its links are resolved. */
export function findQemu(wanted: string | undefined): string {
  const path = wanted ?? PLACES.find((place) => exists(place));
  if (!path) {
    throw new UnikrunError(
      `There is no QEMU on this host (looked for ${PLACES.join(", ")}): install it (Debian: apt-get install qemu-system-x86), or set "qemu" in /etc/unikrun/config.json to its path.`,
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

/** What a QEMU needs of the host's file system. */
interface QemuFiles {
  /** Absolute folders and files without links in them. */
  readonly needed: readonly string[];
  /** Links of the root folder, as in { path: "/lib", target: "usr/lib" }. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** This host's VMM. */
export interface Host {
  readonly qemu: string;
  readonly files: QemuFiles;
}

/** Asks the dynamic linker and QEMU itself; takes some 60 ms, so the answer is kept (probe.ts). */
export function listQemuFiles(qemu: string): QemuFiles {
  const trace = Bun.spawnSync({
    cmd: [qemu],
    env: { LD_TRACE_LOADED_OBJECTS: "1" },
    stdin: "ignore",
    stderr: "pipe",
  });
  const libraries = [...trace.stdout.toString().matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) =>
    String(match[1]),
  );
  const help = Bun.spawnSync({ cmd: [qemu, "-L", "help"], env: {}, stdin: "ignore", stderr: "pipe" });
  const data = help.stdout
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("/") && exists(line));
  if (libraries.length === 0 || data.length === 0) {
    throw new UnikrunError(
      `The QEMU ${qemu} does not start (${trace.stderr.toString().trim() || help.stderr.toString().trim() || "it lists no libraries and no firmware"}): reinstall it, or set "qemu" in /etc/unikrun/config.json to another.`,
    );
  }
  const folders = [
    // Where a library is called for, and where the link leads that may stand there.
    ...libraries.flatMap((library) => [realPath(parentOf(library)), parentOf(realPath(library))]),
    ...data.map((path) => realPath(path)),
  ];
  const cache = exists("/etc/ld.so.cache") ? ["/etc/ld.so.cache"] : [];
  return { needed: withoutInner([qemu, ...folders, ...cache]), links: rootLinks() };
}

function withoutInner(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)].sort();
  return unique.filter((path) => !unique.some((other) => other !== path && path.startsWith(`${other}/`)));
}

/** On hosts with a merged /usr the linker's own path, /lib64/ld-linux-x86-64.so.2, goes through such a link. */
function rootLinks(): { path: string; target: string }[] {
  return ["/lib", "/lib64", "/lib32", "/bin", "/sbin"].flatMap((path) => {
    if (!statusOrNull(path)?.isFolder) return [];
    try {
      return [{ path, target: readLink(path) }];
    } catch {
      return [];
    }
  });
}
