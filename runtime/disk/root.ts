import { type Descriptor, O_PATH, openPath, owned } from "../../native/libc.ts";
import { openDetached } from "../../native/mounts.ts";
import { openRoot } from "../../native/tree-files.ts";
import type { IdMaps } from "../../native/user-namespace.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import type { HostSource } from "./host-source.ts";

/** A folder or file of the host that a tree is read from: open, so it stays the same whatever gets its name. */
export interface Root {
  readonly fd: number;
  /** For errors. */
  readonly name: string;
  /** Of its files' owners (HostSource). */
  readonly maps?: IdMaps | undefined;
}

/** Throws a UnikrunError. */
export function openFolderRoot({ at, name, recursive, maps }: HostSource): Root & Disposable {
  try {
    // What is held for a container is a mount of its own already.
    return named(at === name && !recursive ? openDetached(at, { recursive }) : openRoot(at), name, maps);
  } catch (cause) {
    throw new UnikrunError(
      `Can't read the folder ${name} for a disk: ${reasonOf(cause)}; check that it is there and stays as it is.`,
      { cause },
    );
  }
}

/** Links are followed. Throws an Error with `code`. */
export const openFileRoot = (path: string, name: string): Root & Disposable =>
  named(owned(openPath(path, O_PATH)), name);

const named = (opened: Descriptor, name: string, maps?: IdMaps): Root & Disposable => ({
  fd: opened.fd,
  name,
  maps,
  [Symbol.dispose]: () => opened[Symbol.dispose](),
});
