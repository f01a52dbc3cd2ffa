/** What a program needs of the host's file system. */
import type { Directive } from "./directives.ts";
import { exists, readLink, realPath, statusOrNull } from "./files.ts";
import { parentOf } from "./paths.ts";
import { foldersOfTree, placeProgram } from "./program-tree.ts";

export interface ProgramFiles {
  /** The folder that the others are in, where the program came with a tree of its own; else "". */
  readonly root: string;
  /** Absolute folders and files, of which the last name alone may be a link. */
  readonly needed: readonly string[];
  /** Links of the root folder, as in { path: "/lib", target: "usr/lib" }. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Null for a program of the host's own. */
export function filesOfTree(program: string): ProgramFiles | null {
  const { root } = placeProgram(program);
  return root === "" ? null : { root, needed: foldersOfTree(root), links: [] };
}

/** Asks the dynamic linker. `program` is without links, `others` are folders that it reads; null where it names no library. */
export function listProgramFiles(
  program: string,
  others: readonly string[] = [],
): { files: ProgramFiles | null; complaint: string } {
  const tree = filesOfTree(program);
  if (tree) return { files: tree, complaint: "" };
  const { libraries, complaint } = traceLibraries(program);
  if (libraries.length === 0) return { files: null, complaint };
  const folders = [
    // Where a library is called for, and where the link leads that may stand there.
    ...libraries.flatMap((library) => [realPath(parentOf(library)), parentOf(realPath(library))]),
    ...others.map((path) => realPath(path)),
  ];
  return {
    files: { root: "", needed: withoutInner([program, ...folders, ...cache()]), links: rootLinks() },
    complaint,
  };
}

/** The same for one that loads nothing later: its libraries alone, not their folders, and not itself. A static one is run. */
export function listLibraries(program: string): ProgramFiles {
  const { libraries } = traceLibraries(program);
  if (libraries.length === 0) return { root: "", needed: [], links: [] };
  // By the names that they are called for, which may be links.
  const places = libraries.map(
    (path) => `${realPath(parentOf(path))}/${path.slice(path.lastIndexOf("/") + 1)}`,
  );
  return { root: "", needed: [...new Set([...places, ...cache()])], links: rootLinks() };
}

const cache = (): string[] => (exists("/etc/ld.so.cache") ? ["/etc/ld.so.cache"] : []);

function traceLibraries(program: string): { libraries: string[]; complaint: string } {
  const trace = Bun.spawnSync({
    cmd: [program],
    env: { LD_TRACE_LOADED_OBJECTS: "1" },
    stdin: "ignore",
    stderr: "pipe",
  });
  const found = [...trace.stdout.toString().matchAll(/(?:=> )?(\/\S+) \(0x/g)];
  return { libraries: found.map((match) => String(match[1])), complaint: trace.stderr.toString().trim() };
}

/** They are brought into the program's cage. */
export const programDirectives = ({ root, needed, links }: ProgramFiles): Directive[] => [
  ...needed.map((path) => ["bind", `${path.slice(1)} ${root}${path}`] as const),
  ...links.map(({ path, target }) => ["symlink", `${path.slice(1)} ${target}`] as const),
  ["device", "dev/null /dev/null"],
];

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
