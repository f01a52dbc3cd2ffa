/** A tree of files as it is to stand on a disk. */
import type { Root } from "./root.ts";

export interface Attributes {
  /** 12 permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds after 1970. */
  readonly modified: bigint;
}

export interface Folder extends Attributes {
  readonly kind: "folder";
  readonly entries: Map<string, Entry>;
}

export interface RegularFile extends Attributes {
  readonly kind: "file";
  /** Bytes. */
  readonly size: number;
  readonly content: FileContent;
  /** The same for the names of one file (hard links). */
  readonly identity?: string;
}

export type FileContent = { readonly bytes: Uint8Array } | HostContent;

/** A file of the host: `path` is below `root`, and no part of it may be a link; "" is the root itself. */
export interface HostContent {
  readonly root: Root;
  readonly path: string;
  /** It may have holes. */
  readonly sparse?: boolean;
}

export interface SymbolicLink extends Attributes {
  readonly kind: "link";
  readonly target: string;
}

export interface SpecialFile extends Attributes {
  readonly kind: "fifo" | "socket" | "character" | "block";
  readonly major: number;
  readonly minor: number;
}

export type Entry = Folder | RegularFile | SymbolicLink | SpecialFile;

/** With mode 0755, root's, modified in 1970. */
export function emptyFolder(): Folder {
  return { kind: "folder", mode: 0o755, uid: 0, gid: 0, modified: 0n, entries: new Map() };
}

/**
 * Puts an entry at a path such as "/etc/hosts": makes the folders on the way (also in place of what is no folder there)
 * and replaces what is there. Throws an Error for a path that names nothing in the tree.
 */
export function put(tree: Folder, path: string, entry: Entry): void {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const last = names.pop();
  if (last === undefined || last === ".." || names.includes(".."))
    throw new Error(`${JSON.stringify(path)} names nothing in a tree`);
  let folder = tree;
  for (const name of names) {
    const there = folder.entries.get(name);
    const next = there?.kind === "folder" ? there : emptyFolder();
    if (next !== there) folder.entries.set(name, next);
    folder = next;
  }
  folder.entries.set(last, entry);
}

/** A folder's entries in an order that depends on nothing but their names. */
export function sorted(folder: Folder): [name: string, entry: Entry][] {
  return [...folder.entries.keys()].sort().flatMap((name): [string, Entry][] => {
    const entry = folder.entries.get(name);
    return entry ? [[name, entry]] : [];
  });
}
