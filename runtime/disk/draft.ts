/** Files that come into a folder under a name of our own, until they are whole. */
import { copyAttributes } from "../../native/attributes.ts";
import { type Descriptor, errorCode } from "../../native/libc.ts";
import { AS_FILE, AS_WRITTEN_FILE, FileStatus, openBelow } from "../../native/tree-files.ts";
import { createIn, removeFileIn, setMode, setModifiedIn, setOwner } from "../../native/tree-writes.ts";
import type { Ext2Node } from "./ext2/inodes.ts";
import type { Ext2 } from "./ext2/reader.ts";
import type { Owner } from "./owners.ts";

/** Ours until it has its real name; one that a killed process left is older than the disk, and goes with the next writing back. */
export const DRAFT = ".unikrun-draft";

/** Writes a file of the disk as a draft; `old` is the file in whose place it comes, `owner` one of the host's. Leaves none where it can't be written. */
export function writeDraft(
  disk: Ext2,
  folder: number,
  { node, old, owner }: { node: Ext2Node; old: string | null; owner: Owner },
): Descriptor {
  using undo = new DisposableStack();
  const file = undo.use(createDraft(folder));
  undo.defer(() => removeFileIn(folder, DRAFT));
  disk.copyFile(node, file.fd);
  if (old !== null) {
    using before = openBelow(folder, old, AS_FILE);
    copyAttributes(before.fd, file.fd);
  }
  dress(folder, DRAFT, file.fd, node, owner);
  undo.move();
  return file;
}

/** Writes it over the file itself, where there is no room for two. False where that has other names. */
export function overwrite(
  disk: Ext2,
  folder: number,
  name: string,
  { node, owner }: { node: Ext2Node; owner: Owner },
): boolean {
  using file = openBelow(folder, name, AS_WRITTEN_FILE);
  const { kind, links } = new FileStatus().readOpen(file.fd);
  if (kind !== "file" || links > 1 || node.links > 1) return false;
  disk.copyFile(node, file.fd);
  dress(folder, name, file.fd, node, owner);
  return true;
}

function dress(folder: number, name: string, file: number, node: Ext2Node, owner: Owner): void {
  setOwner(file, owner);
  setMode(file, node.mode);
  setModifiedIn(folder, name, nanoseconds(node));
}

export const nanoseconds = ({ modified }: Ext2Node): bigint => BigInt(modified) * 1_000_000_000n;

function createDraft(folder: number): Descriptor {
  try {
    return createIn(folder, DRAFT);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    removeFileIn(folder, DRAFT);
    return createIn(folder, DRAFT);
  }
}
