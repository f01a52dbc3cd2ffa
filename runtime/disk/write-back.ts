/** Brings what a guest wrote on a volume's disk into the volume's folder. */
import { type Descriptor, errorCode } from "../../native/libc.ts";
import { AS_FILE, AS_FOLDER, openBelow } from "../../native/tree-files.ts";
import {
  createIn,
  linkIn,
  makeFifoIn,
  makeFolderIn,
  makeLinkIn,
  removeFileIn,
  removeFolderIn,
  renameIn,
  setMode,
  setModifiedIn,
  setOwner,
  setOwnerIn,
  syncFileSystem,
} from "../../native/tree-writes.ts";
import type { Ext2Folder, Ext2Node } from "./ext2/inodes.ts";
import { type Ext2, isFolder } from "./ext2/reader.ts";
import { namesOf, type Seen, seeIn } from "./look.ts";

export interface WriteBackOptions {
  /** Nanoseconds after 1970: what changed in the folder later is somebody else's, and stays where the guest has not changed it too. */
  readonly newest: bigint;
  /** Also compare what looks unchanged: a guest that was cut off may have written data, but not yet the times of its files. */
  readonly thorough: boolean;
}

/** Ours until it has its real name; one that a killed process left is older than the disk, and goes with the next writing back. */
const DRAFT = ".unikrun-draft";

/**
 * Makes the folder what the file system is, as far as the guest changed it, and returns when that would survive a loss of power.
 * What can't be a unikernel's doing is left out (device nodes); so are sockets. No link of the folder is followed.
 */
export function writeBack(disk: Ext2, folder: Descriptor, options: WriteBackOptions): void {
  new WriteBack(disk, options).run(folder.fd);
}

class WriteBack {
  readonly #disk: Ext2;
  readonly #newest: bigint;
  readonly #thorough: boolean;
  /** Files that have several names, by inode, with the first of them. */
  readonly #linked = new Map<number, Descriptor>();
  #written = 0;

  constructor(disk: Ext2, { newest, thorough }: WriteBackOptions) {
    this.#disk = disk;
    this.#newest = newest;
    this.#thorough = thorough;
  }

  run(root: number): void {
    try {
      this.#fill(this.#disk.root, root, { isRoot: true, isNew: false });
    } finally {
      for (const file of this.#linked.values()) file[Symbol.dispose]();
    }
    if (this.#written > 0) syncFileSystem(root);
  }

  /** Returns whether anything in it was changed. */
  #fill(node: Ext2Folder, folder: number, { isRoot, isNew }: { isRoot: boolean; isNew: boolean }): boolean {
    const before = this.#written;
    const mustLook = isNew || this.#thorough || !node.untouched;
    const names = new Set<string>();
    for (const { name, node: entry } of this.#disk.entries(node)) {
      // The file system's own; what a repair found is worth keeping.
      if (isRoot && name === "lost+found" && isFolder(entry) && this.#isEmpty(entry)) continue;
      names.add(name);
      if (mustLook || isFolder(entry) || !entry.untouched) this.#bring(folder, name, entry);
    }
    // A folder that looks unchanged lost entries only by a repair: they are kept.
    if (!node.untouched) this.#removeOthers(folder, names);
    return this.#written > before;
  }

  #isEmpty(folder: Ext2Folder): boolean {
    return this.#disk.entries(folder).next().done === true;
  }

  #bring(folder: number, name: string, node: Ext2Node): void {
    const seen = seeIn(folder, name);
    if (isFolder(node)) this.#bringFolder(folder, name, node, seen);
    else if (node.kind === "file") this.#bringFile(folder, name, node, seen);
    else if (!seen || seen.kind !== node.kind || !node.untouched) this.#bringOther(folder, name, node, seen);
  }

  #bringFolder(folder: number, name: string, node: Ext2Folder, seen: Seen | null): void {
    const isNew = seen?.kind !== "folder";
    if (isNew) {
      if (seen) this.#clear(folder, name, seen);
      makeFolderIn(folder, name);
      this.#written++;
    }
    using open = openBelow(folder, name, AS_FOLDER);
    const changed = this.#fill(node, open.fd, { isRoot: false, isNew });
    if (isNew || !node.untouched) {
      setOwner(open.fd, node);
      setMode(open.fd, node.mode);
    }
    if (isNew || !node.untouched) setModifiedIn(folder, name, nanoseconds(node));
    else if (changed && seen) setModifiedIn(folder, name, seen.modified);
  }

  #bringFile(folder: number, name: string, node: Ext2Node, seen: Seen | null): void {
    if (seen?.kind === "file" && node.untouched && this.#isSame(folder, name, node, seen)) return;
    if (seen?.kind === "folder") this.#clear(folder, name, seen);
    const first = this.#linked.get(node.inode);
    if (first) linkIn(first.fd, folder, DRAFT);
    else this.#writeDraft(folder, node);
    renameIn(folder, DRAFT, name);
    this.#written++;
  }

  /** Of a file that the guest does not seem to have changed. */
  #isSame(folder: number, name: string, node: Ext2Node, seen: Seen): boolean {
    if (!this.#thorough || seen.changed > this.#newest) return true;
    using file = openBelow(folder, name, AS_FILE);
    return this.#disk.sameContent(node, file.fd);
  }

  #writeDraft(folder: number, node: Ext2Node): void {
    using undo = new DisposableStack();
    const file = undo.use(this.#createDraft(folder));
    this.#disk.copyFile(node, file.fd);
    setOwner(file.fd, node);
    setMode(file.fd, node.mode);
    setModifiedIn(folder, DRAFT, nanoseconds(node));
    if (node.links < 2) return;
    this.#linked.set(node.inode, file);
    undo.move();
  }

  #createDraft(folder: number): Descriptor {
    try {
      return createIn(folder, DRAFT);
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
      removeFileIn(folder, DRAFT);
      return createIn(folder, DRAFT);
    }
  }

  #bringOther(folder: number, name: string, node: Ext2Node, seen: Seen | null): void {
    if (node.kind !== "link" && node.kind !== "fifo") return;
    if (seen) this.#clear(folder, name, seen);
    if (node.kind === "link") makeLinkIn(folder, name, this.#disk.readLink(node));
    else makeFifoIn(folder, name);
    setOwnerIn(folder, name, node);
    setModifiedIn(folder, name, nanoseconds(node));
    this.#written++;
  }

  /** What the guest removed: all that is not on the disk, but what came into the folder meanwhile. */
  #removeOthers(folder: number, names: ReadonlySet<string>): void {
    for (const name of namesOf(folder)) {
      const seen = names.has(name) ? null : seeIn(folder, name);
      if (!seen) continue;
      const isOurs = seen.changed <= this.#newest || name === DRAFT;
      if (seen.kind === "folder") {
        using open = openBelow(folder, name, AS_FOLDER);
        this.#removeOthers(open.fd, new Set());
      }
      if (isOurs) this.#removeEmpty(folder, name, seen);
    }
  }

  #removeEmpty(folder: number, name: string, { kind }: Seen): void {
    try {
      if (kind === "folder") removeFolderIn(folder, name);
      else removeFileIn(folder, name);
      this.#written++;
    } catch (error) {
      if (errorCode(error) !== "ENOTEMPTY") throw error;
    }
  }

  /** Makes room for what the guest has under that name. */
  #clear(folder: number, name: string, seen: Seen): void {
    if (seen.kind === "folder") {
      using open = openBelow(folder, name, AS_FOLDER);
      for (const inner of namesOf(open.fd)) {
        const entry = seeIn(open.fd, inner);
        if (entry) this.#clear(open.fd, inner, entry);
      }
    }
    this.#removeEmpty(folder, name, seen);
  }
}

const nanoseconds = ({ modified }: Ext2Node): bigint => BigInt(modified) * 1_000_000_000n;
