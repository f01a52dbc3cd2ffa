/** What is on a guest's disks, as a hash that is another's only where a guest could not tell its disks from that one's. */
import { readAt, statusOfFile } from "../../native/files.ts";
import { owned } from "../../native/libc.ts";
import { joinPaths } from "../../native/paths.ts";
import { openInRoot } from "../../native/regular-file.ts";
import type { Disk, TreeContent } from "./choose.ts";
import { openContent } from "./content.ts";
import { composeTree, type ReadOnlyOptions } from "./read-only.ts";
import { type Entry, type RegularFile, sorted } from "./tree.ts";

export interface DescribeOptions extends ReadOnlyOptions {
  /** The text of a file that was laid over a disk, by its path in the guest, without what is to differ. */
  readonly common: (path: string, text: string) => string;
}

/** Disks that a guest shares with the host have no description. */
export function describeDisks(disks: readonly Disk[], options: DescribeOptions): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const { mountpoint, readOnly, content } of disks) {
    hasher.update(`${JSON.stringify([mountpoint, readOnly, content.kind])}\n`);
    switch (content.kind) {
      case "scratch":
        hasher.update(`${JSON.stringify(content)}\n`);
        break;
      case "image":
        hasher.update(`${identityOf(options.rootfs, content.path)}\n`);
        break;
      case "tree":
        hasher.update(`${describeTree(mountpoint ?? "", content, options)}\n`);
        break;
      default:
        throw new Error(`a disk of the kind ${content.kind} can't be described`);
    }
  }
  return hasher.digest("hex");
}

/** Its content is not read: an image can't set the time of its last change. */
function identityOf(rootfs: string, path: string): string {
  using file = owned(openInRoot(rootfs, path));
  const { inode, size, modified, changed } = statusOfFile(file.fd);
  return [inode, size, modified, changed].join(" ");
}

function describeTree(mountpoint: string, content: TreeContent, options: DescribeOptions): string {
  using opened = new DisposableStack();
  const { tree, key, isKept } = composeTree(mountpoint, content, options, opened);
  if (isKept) return key;
  const hasher = new Bun.CryptoHasher("sha256");
  const laid = new Set([...content.files.keys()].map((path) => joinPaths("/", path)));
  const add = (path: string, entry: Entry): void => {
    const { kind, mode, uid, gid } = entry;
    hasher.update(`${JSON.stringify([path, kind, mode, uid, gid])}\n`);
    switch (kind) {
      case "folder":
        for (const [name, each] of sorted(entry)) add(`${path}/${name}`, each);
        return;
      case "link":
        hasher.update(`${JSON.stringify(entry.target)}\n`);
        return;
      case "file": {
        // Engines make those that they lay over it for each container.
        const isLaid = laid.has(path);
        const bytes = contentOf(entry);
        const told = isLaid
          ? Buffer.from(options.common(joinPaths(mountpoint, path), bytes.toString()))
          : bytes;
        hasher.update(`${told.length} ${isLaid ? "" : entry.modified}\n`).update(told);
        return;
      }
      default:
        hasher.update(`${entry.major} ${entry.minor}\n`);
    }
  };
  add("", tree);
  return hasher.digest("hex");
}

/** Of a tree that is not kept in the store, so it is small. */
function contentOf({ content, size }: RegularFile): Uint8Array {
  if ("bytes" in content) return content.bytes;
  using source = openContent(content);
  return readAt(source.fd, 0, size);
}
