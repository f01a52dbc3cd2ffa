/** The files of a guest that takes them into its memory when it boots: one archive of all that others would have on disks. */
import { statusOfFile } from "../../native/files.ts";
import { type Descriptor, owned } from "../../native/libc.ts";
import { memoryFile } from "../../native/process.ts";
import { UnikrunError } from "../error.ts";
import { beginWork } from "../progress.ts";
import { cachedImage } from "./cache.ts";
import type { Disk, TreeContent } from "./choose.ts";
import { contentBytes } from "./content.ts";
import { cpioSize, writeCpio } from "./cpio.ts";
import { type ComposedTree, composeTree, type ReadOnlyOptions } from "./read-only.ts";
import { emptyFolder, type Folder, put } from "./tree.ts";

/** Changes with the form of the archives, so that none of another form is taken for one of ours. */
const FORM = "cpio-1";

/** The mount point of the guest's root, below which all others are. */
export const ROOT = "";

export interface Initrd extends Disposable {
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
}

export interface InitrdOptions extends ReadOnlyOptions {
  /** Paths of files that are no business of the guest's. */
  readonly without: readonly string[];
  /** Is told how many bytes it will have, and throws UnikrunError where those are too many. */
  readonly judge: (size: number) => void;
}

/**
 * `disks` are the root (ROOT) and what is mounted in it. Throws UnikrunError for what is to be written, or is no folder: that can't be had
 * in memory.
 */
export function openInitrd(disks: readonly Disk[], options: InitrdOptions): Initrd {
  using opened = new DisposableStack();
  const parts = disks
    .map((disk) => ({ mountpoint: disk.mountpoint ?? ROOT, content: contentOf(disk, options.containerId) }))
    .sort((a, b) => a.mountpoint.length - b.mountpoint.length)
    .map(({ mountpoint, content }) => ({
      mountpoint,
      ...composeTree(mountpoint, content, options, opened),
    }));
  const root = mergedTree(parts);
  for (const path of options.without) remove(root, path);
  options.judge(cpioSize(root));
  const descriptor = open(root, parts, options);
  return {
    fd: descriptor.fd,
    size: statusOfFile(descriptor.fd).size,
    [Symbol.dispose]: () => descriptor[Symbol.dispose](),
  };
}

type Part = ComposedTree & { readonly mountpoint: string };

function mergedTree(parts: readonly Part[]): Folder {
  let root = emptyFolder();
  for (const { mountpoint, tree } of parts) {
    if (mountpoint === ROOT) root = tree;
    else put(root, mountpoint, tree);
  }
  return root;
}

function remove(root: Folder, path: string): void {
  const names = path.split("/").filter((name) => name !== "");
  const last = names.pop();
  let folder: Folder = root;
  for (const name of names) {
    const next = folder.entries.get(name);
    if (next?.kind !== "folder") return;
    folder = next;
  }
  if (last !== undefined) folder.entries.delete(last);
}

function open(root: Folder, parts: readonly Part[], { without, store, limit }: InitrdOptions): Descriptor {
  if (!parts.some(({ isKept }) => isKept)) {
    using undo = new DisposableStack();
    const archive = undo.use(owned(memoryFile("initrd", new Uint8Array())));
    writeCpio(root, archive.fd);
    undo.move();
    return archive;
  }
  const what = [FORM, parts.map(({ mountpoint, key }) => [mountpoint, key]), without];
  const key = new Bun.CryptoHasher("sha256").update(JSON.stringify(what)).digest("hex");
  const write = (fd: number): void => {
    using _work = beginWork("making the guest's initrd", () => contentBytes(root));
    writeCpio(root, fd);
  };
  return cachedImage({ store, limit, key, write });
}

/** An empty folder that is gone with the machine is what a folder in memory is. */
function contentOf({ mountpoint = ROOT, content }: Disk, id: string): TreeContent {
  const place = mountpoint || "/";
  switch (content.kind) {
    case "tree":
      return content;
    case "scratch": {
      const { mode = 0o1777, uid = 0, gid = 0, copyOf } = content;
      const base: TreeContent["base"] =
        copyOf === undefined ? { in: "nothing", mode, uid, gid } : { in: "host", path: copyOf };
      return { kind: "tree", base, files: new Map(), folders: new Set() };
    }
    case "volume":
      throw new UnikrunError(
        `Container ${id}: its guest has its files in its memory, so nothing that it writes to ${place} would stay: mount it read-only (docker run -v …:${place}:ro), or use a tmpfs (--tmpfs ${place}).`,
      );
    default:
      throw new UnikrunError(
        `Container ${id}: its guest has its files in its memory, so it can't be given the disk at ${place}: mount a folder read-only, or do without.`,
      );
  }
}
