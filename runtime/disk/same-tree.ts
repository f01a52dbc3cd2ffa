import type { Ext2Folder, Ext2Node } from "./ext2/inodes.ts";
import { type Ext2, isFolder } from "./ext2/reader.ts";
import type { Entry, Folder } from "./tree.ts";

/** Whether a disk has the files of a tree and no others, as far as can be told without reading them. */
export function isSameTree(disk: Ext2, tree: Folder): boolean {
  return isSameFolder(disk, disk.root, tree, true);
}

function isSameFolder(disk: Ext2, folder: Ext2Folder, tree: Folder, isRoot: boolean): boolean {
  let count = 0;
  for (const { name, node } of disk.entries(folder)) {
    const entry = tree.entries.get(name);
    // The file system's own.
    if (!entry && isRoot && name === "lost+found") continue;
    if (!entry || !isSame(disk, node, entry)) return false;
    count++;
  }
  return count === tree.entries.size;
}

function isSame(disk: Ext2, node: Ext2Node, entry: Entry): boolean {
  const { kind, mode, uid, gid } = entry;
  if (node.kind !== kind) return false;
  if (kind === "link") return disk.readLink(node) === entry.target;
  if (node.mode !== mode || node.uid !== uid || node.gid !== gid) return false;
  if (isFolder(node)) return kind === "folder" && isSameFolder(disk, node, entry, false);
  if (kind === "file") return node.size === entry.size && node.modified === secondsOf(entry.modified);
  return true;
}

const secondsOf = (nanoseconds: bigint): number => Number(nanoseconds / 1_000_000_000n);
