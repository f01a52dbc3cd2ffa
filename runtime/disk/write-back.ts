/** Brings what a guest wrote on a volume's disk into the volume's folder. */
import type { Descriptor } from "../../native/libc.ts";
import { AS_FILE, openBelow } from "../../native/tree-files.ts";
import {
  linkIn,
  makeFifoIn,
  makeFolderIn,
  makeLinkIn,
  removeFileIn,
  renameIn,
  setMode,
  setModifiedIn,
  setOwner,
  setOwnerIn,
  syncFileSystem,
} from "../../native/tree-writes.ts";
import type { IdMaps } from "../../native/user-namespace.ts";
import { advance } from "../progress.ts";
import { Descent } from "./descent.ts";
import { DRAFT, nanoseconds, overwrite, writeDraft } from "./draft.ts";
import type { Ext2Folder, Ext2Node } from "./ext2/inodes.ts";
import { type Ext2, type Ext2Entry, isFolder } from "./ext2/reader.ts";
import { namesOf, type Seen, seeIn } from "./look.ts";
import { isOwn, keptOwner, type Owner } from "./owners.ts";
import { type Found, removeEntry } from "./removal.ts";
import { isFull } from "./volume-size.ts";

export interface WriteBackOptions {
  /** Nanoseconds after 1970: what changed in the folder later is somebody else's, and stays where the guest has not changed it too. */
  readonly newest: bigint;
  /** Also compare what looks unchanged: a guest that was cut off may have written data, but not yet the times of its files. */
  readonly thorough: boolean;
  /** Paths that were brought already, when there was no room for all; what is brought now is added. */
  readonly brought: Set<string>;
  /** Of the files' owners (HostSource): what is nobody's in them stays as it is. */
  readonly maps?: IdMaps | undefined;
}

/**
 * Makes the folder what the file system is, as far as the guest changed it, and returns when that would survive a loss of power.
 * What can't be a unikernel's doing is left out (device nodes); so are sockets. No link of the folder is followed.
 */
export function writeBack(disk: Ext2, folder: Descriptor, options: WriteBackOptions): void {
  new WriteBack(disk, folder.fd, options).run();
}

/** Bytes of files that are copied into the folder, or compared with it, as far as can be told from the disk alone. */
export function bytesToBring(disk: Ext2, thorough: boolean): number {
  let total = 0;
  const folders: Ext2Folder[] = [disk.root];
  for (let folder = folders.pop(); folder; folder = folders.pop())
    for (const { node } of disk.entries(folder)) {
      if (isFolder(node)) folders.push(node);
      else if (node.kind === "file" && (thorough || !node.untouched)) total += node.size;
    }
  return total;
}

/** A folder of the disk that stands in the host's folder, or is to. */
interface Visit {
  readonly node: Ext2Folder;
  /** "" for the root. */
  readonly path: string;
  /** As it stood there before; null where it was made now. */
  readonly seen: Seen | null;
}

class WriteBack {
  readonly #disk: Ext2;
  readonly #descent: Descent;
  readonly #newest: bigint;
  readonly #thorough: boolean;
  readonly #brought: Set<string>;
  readonly #maps: IdMaps | undefined;
  /** Files that have several names, by inode, with the first of them. */
  readonly #linked = new Map<number, Descriptor>();
  /** A guest may make folders as deep as it likes: what is still to be done, the next last. */
  readonly #steps: (() => void)[] = [];
  #written = 0;

  constructor(disk: Ext2, root: number, { newest, thorough, brought, maps }: WriteBackOptions) {
    this.#disk = disk;
    this.#descent = new Descent(root);
    this.#newest = newest;
    this.#thorough = thorough;
    this.#brought = brought;
    this.#maps = maps;
  }

  run(): void {
    using descent = this.#descent;
    try {
      this.#fill({ node: this.#disk.root, path: "", seen: null });
      for (let step = this.#steps.pop(); step; step = this.#steps.pop()) step();
    } finally {
      for (const file of this.#linked.values()) file[Symbol.dispose]();
    }
    if (this.#written === 0) return;
    using top = descent.open("");
    syncFileSystem(top.fd);
  }

  /** All but what is in its folders, which follows. */
  #fill({ node, path, seen }: Visit): void {
    const isRoot = path === "";
    const mustLook = (!isRoot && !seen) || this.#thorough || !node.untouched;
    using open = this.#descent.open(path);
    // The file system's own; what a repair found is worth keeping.
    const isOwn = ({ name, node: entry }: Ext2Entry): boolean =>
      isRoot && name === "lost+found" && isFolder(entry) && this.#isEmpty(entry);
    const entries = [...this.#disk.entries(node)].filter((entry) => !isOwn(entry));
    // First, for the room that it makes. A folder that looks unchanged lost entries only by a repair: they are kept.
    if (!node.untouched) this.#removeOthers(open.fd, path, new Set(entries.map(({ name }) => name)));
    for (const { name, node: entry } of entries) {
      if (isFolder(entry)) this.#bringFolder(open.fd, `${path}/${name}`, name, entry);
      else if (mustLook || !entry.untouched) this.#bring(open.fd, path, name, entry);
    }
  }

  #isEmpty(folder: Ext2Folder): boolean {
    return this.#disk.entries(folder).next().done === true;
  }

  #bringFolder(folder: number, path: string, name: string, node: Ext2Folder): void {
    const there = seeIn(folder, name);
    if (there && !isOwn(this.#maps, there)) return;
    const seen = there?.kind === "folder" ? there : null;
    const before = this.#written;
    if (!seen) {
      if (there) removeFileIn(folder, name);
      makeFolderIn(folder, name);
      this.#brought.add(path);
      this.#written++;
    }
    const visit = { node, path, seen };
    this.#steps.push(() => this.#finish(visit, before));
    this.#steps.push(() => this.#fill(visit));
  }

  /** Owner, mode and time, when all in it is done. */
  #finish({ node, path, seen }: Visit, before: number): void {
    const isChanged = !seen || !node.untouched;
    if (!isChanged && this.#written === before) return;
    using open = this.#descent.open(path);
    if (isChanged) {
      setOwner(open.fd, keptOwner(this.#maps, node));
      setMode(open.fd, node.mode);
    }
    setModifiedIn(open.fd, ".", isChanged ? nanoseconds(node) : seen.modified);
  }

  #bring(folder: number, path: string, name: string, node: Ext2Node): void {
    const seen = seeIn(folder, name);
    if (seen && !isOwn(this.#maps, seen)) return;
    if (node.kind === "file") this.#bringFile(folder, path, name, node, seen);
    else if (!seen || seen.kind !== node.kind || !node.untouched)
      this.#bringOther(folder, path, name, node, seen);
  }

  #bringFile(folder: number, path: string, name: string, node: Ext2Node, seen: Seen | null): void {
    const whole = `${path}/${name}`;
    if (seen?.kind === "file" && node.untouched && this.#isSame(folder, whole, name, node, seen)) return;
    if (seen?.kind === "folder" && !this.#makeRoom(folder, { path, name, seen })) return;
    this.#brought.add(whole);
    this.#written++;
    const first = this.#linked.get(node.inode);
    const old = seen?.kind === "file" ? name : null;
    const owner = keptOwner(this.#maps, node);
    try {
      if (first) {
        linkIn(first.fd, folder, DRAFT);
        advance(node.size);
      } else this.#writeDraft(folder, { node, old, owner });
    } catch (error) {
      if (isFull(error) && old !== null && overwrite(this.#disk, folder, old, { node, owner })) return;
      throw error;
    }
    renameIn(folder, DRAFT, name);
  }

  /** Of a file that the guest does not seem to have changed. */
  #isSame(folder: number, path: string, name: string, node: Ext2Node, seen: Seen): boolean {
    if (!this.#thorough) return true;
    if (seen.changed > this.#newest && !this.#brought.has(path)) {
      advance(node.size);
      return true;
    }
    using file = openBelow(folder, name, AS_FILE);
    return this.#disk.sameContent(node, file.fd);
  }

  #writeDraft(folder: number, draft: { node: Ext2Node; old: string | null; owner: Owner }): void {
    using undo = new DisposableStack();
    const file = undo.use(writeDraft(this.#disk, folder, draft));
    if (draft.node.links < 2) return;
    this.#linked.set(draft.node.inode, file);
    undo.move();
  }

  #bringOther(folder: number, path: string, name: string, node: Ext2Node, seen: Seen | null): void {
    if (node.kind !== "link" && node.kind !== "fifo") return;
    if (seen && !this.#makeRoom(folder, { path, name, seen })) return;
    this.#brought.add(`${path}/${name}`);
    if (node.kind === "link") makeLinkIn(folder, name, this.#disk.readLink(node));
    else makeFifoIn(folder, name);
    setOwnerIn(folder, name, keptOwner(this.#maps, node));
    setModifiedIn(folder, name, nanoseconds(node));
    this.#written++;
  }

  /** What the guest removed: all that is not on the disk, but what came into the folder meanwhile. */
  #removeOthers(folder: number, path: string, names: ReadonlySet<string>): void {
    for (const name of namesOf(folder)) {
      const seen = names.has(name) ? null : seeIn(folder, name);
      if (seen) this.#remove({ path, name, seen }, (each) => this.#isOurs(each));
    }
  }

  #isOurs({ path, name, seen }: Found): boolean {
    return seen.changed <= this.#newest || name === DRAFT || this.#brought.has(`${path}/${name}`);
  }

  /** False where something in it is to stay. */
  #makeRoom(folder: number, entry: Found): boolean {
    this.#remove(entry);
    return seeIn(folder, entry.name) === null;
  }

  #remove(entry: Found, mayGo: (entry: Found) => boolean = () => true): void {
    this.#written += removeEntry(this.#descent, entry, (each) => isOwn(this.#maps, each.seen) && mayGo(each));
  }
}
