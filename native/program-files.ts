/** What a program needs of the host's file system. */
import type { Directive } from "./directives.ts";
import { exists, readLink, realPath, statusOrNull } from "./files.ts";
import { parentOf } from "./paths.ts";

export interface ProgramFiles {
  /** Absolute folders and files without links in them. */
  readonly needed: readonly string[];
  /** Links of the root folder, as in { path: "/lib", target: "usr/lib" }. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Asks the dynamic linker. `program` is without links, `others` are folders that it reads; null where it names no library. */
export function listProgramFiles(
  program: string,
  others: readonly string[] = [],
): { files: ProgramFiles | null; complaint: string } {
  const trace = Bun.spawnSync({
    cmd: [program],
    env: { LD_TRACE_LOADED_OBJECTS: "1" },
    stdin: "ignore",
    stderr: "pipe",
  });
  const libraries = [...trace.stdout.toString().matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) =>
    String(match[1]),
  );
  const complaint = trace.stderr.toString().trim();
  if (libraries.length === 0) return { files: null, complaint };
  const folders = [
    // Where a library is called for, and where the link leads that may stand there.
    ...libraries.flatMap((library) => [realPath(parentOf(library)), parentOf(realPath(library))]),
    ...others.map((path) => realPath(path)),
  ];
  const cache = exists("/etc/ld.so.cache") ? ["/etc/ld.so.cache"] : [];
  return { files: { needed: withoutInner([program, ...folders, ...cache]), links: rootLinks() }, complaint };
}

/** They are brought into the program's cage. */
export const programDirectives = ({ needed, links }: ProgramFiles): Directive[] => [
  ...needed.map((path) => ["bind", `${path.slice(1)} ${path}`] as const),
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
