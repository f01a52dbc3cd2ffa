import type { Ext2Folder, Ext2Node } from "./ext2/inodes.ts";
import { type Ext2, isFolder } from "./ext2/reader.ts";
import type { Entry, Folder } from "./tree.ts";

/** Whether a disk has the files of a tree and no others, as far as can be told without reading them. */
export function isSameTree(disk: Ext2, tree: Folder): boolean {
  const folders: Pair[] = [[disk.root, tree]];
  for (let next = folders.pop(); next; next = folders.pop())
    if (!isSameFolder(disk, next, folders)) return false;
  return true;
}

type Pair = readonly [Ext2Folder, Folder];

/** As far as its own entries go; those that are folders are added to `folders`. */
function isSameFolder(disk: Ext2, [folder, tree]: Pair, folders: Pair[]): boolean {
  const isRoot = folder === disk.root;
  let count = 0;
  for (const { name, node } of disk.entries(folder)) {
    const entry = tree.entries.get(name);
    // The file system's own.
    if (!entry && isRoot && name === "lost+found") continue;
    if (!entry || !isSame(disk, node, entry)) return false;
    if (isFolder(node) && entry.kind === "folder") folders.push([node, entry]);
    count++;
  }
  return count === tree.entries.size;
}

function isSame(disk: Ext2, node: Ext2Node, entry: Entry): boolean {
  const { kind, mode, uid, gid } = entry;
  if (node.kind !== kind) return false;
  if (kind === "link") return disk.readLink(node) === entry.target;
  if (node.mode !== mode || node.uid !== uid || node.gid !== gid) return false;
  if (kind === "file") return node.size === entry.size && node.modified === secondsOf(entry.modified);
  return true;
}

const secondsOf = (nanoseconds: bigint): number => Number(nanoseconds / 1_000_000_000n);
