/** Programs in a tree of their own, which has their libraries, dynamic linker and data: nothing of the host's is needed to run them. */
import { exists, listFolder, realPath } from "./files.ts";
import { parentOf } from "./paths.ts";

/** Where their interpreter is, as the programs have it themselves (System V ABI, AMD64 Architecture Processor Supplement). */
const LINKER = "/lib64/ld-linux-x86-64.so.2";
const LIBRARIES = "/usr/lib/x86_64-linux-gnu";

export interface PlacedProgram {
  /** The tree's folder, "" for the host's own root. */
  readonly root: string;
  /** As it is called where the tree is the root folder. */
  readonly path: string;
}

/** `program`: an absolute path without links. */
export function placeProgram(program: string): PlacedProgram {
  const at = program.lastIndexOf("/usr/");
  const root = program.slice(0, Math.max(at, 0));
  return root !== "" && exists(root + LINKER)
    ? { root, path: program.slice(at) }
    : { root: "", path: program };
}

/** Its folders, as paths in it. */
export const foldersOfTree = (root: string): string[] =>
  listFolder(root)
    .sort()
    .map((name) => `/${name}`);

/** A program that came with this one, as in usr/bin/qemu-system-x86_64; null where none did. */
export function carriedProgram(path: string): string | null {
  const program = `${parentOf(parentOf(realPath(process.execPath)))}/libexec/unikrun/${path}`;
  return exists(program) ? program : null;
}

/** What runs it on the host, outside of any cage. */
export function commandOnHost(program: string): string[] {
  const { root } = placeProgram(program);
  return root === "" ? [program] : [root + LINKER, "--library-path", root + LIBRARIES, program];
}
