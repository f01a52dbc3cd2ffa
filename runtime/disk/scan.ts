/** Reads a tree of the host's files, which may change meanwhile and is nobody's friend. */

import { errorCode } from "../../native/libc.ts";
import { nameOf } from "../../native/names.ts";
import {
  AS_FOLDER,
  FileStatus,
  folderRecords,
  linkTarget,
  namesIn,
  openBelow,
} from "../../native/tree-files.ts";
import type { IdMaps } from "../../native/user-namespace.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { Descent } from "./descent.ts";
import { Fingerprint } from "./fingerprint.ts";
import { mayList, mayRead, seenOwner } from "./owners.ts";
import type { Root } from "./root.ts";
import type { Attributes, Entry, Folder } from "./tree.ts";

export interface Scan {
  readonly tree: Folder;
  /** SHA-256 of all that is known of the files without reading them, in hex. */
  readonly fingerprint: string;
  /** When something last changed: the largest ctime or mtime, nanoseconds after 1970. */
  readonly newest: bigint;
}

/**
 * Reads the folder `path` below `root`, which must stay open for its files to be read, never following a link and never leaving `root`, but going into what is mounted there.
 * Throws a UnikrunError for what can't be read.
 */
export function scanTree(root: Root, path = "/"): Scan {
  return new Scanner(root, path).scan();
}

/**
 * The same, and every later change shows in the fingerprint: the times of files stand still for up to 10 ms (a tick of the slowest
 * clocks), so what changed just now is looked at once more.
 */
export function settledScan(root: Root, path = "/"): Scan {
  const TICK = 12;
  for (;;) {
    const scan = scanTree(root, path);
    const age = Date.now() - Number(scan.newest / 1_000_000n);
    if (age < 0 || age > TICK) return scan;
    Bun.sleepSync(TICK + 1 - age);
  }
}

interface Pending {
  readonly folder: Folder;
  /** Within the tree; "" for its root. */
  readonly path: string;
}

/** Where an entry's name stands, in C's form. */
interface Place {
  readonly folder: number;
  readonly records: Buffer;
  readonly at: number;
}

const NOTHING = new Uint8Array();

/** Files that are gone again since we saw their names. */
const GONE = new Set(["ENOENT", "ESTALE"]);

class Scanner {
  readonly #root: Root;
  readonly #start: string;
  readonly #status = new FileStatus();
  readonly #fingerprint = new Fingerprint();
  #newestSeconds = 0;
  #newestNanoseconds = 0;

  constructor(root: Root, start: string) {
    this.#root = root;
    this.#start = start.replace(/\/+$/, "");
    if (root.maps) this.#fingerprint.addText(JSON.stringify(root.maps));
  }

  scan(): Scan {
    try {
      return this.#scanBelow(this.#root.fd);
    } catch (error) {
      if (error instanceof UnikrunError) throw error;
      throw this.#failure("", error);
    }
  }

  #scanBelow(root: number): Scan {
    using top = openBelow(root, this.#start, AS_FOLDER);
    const status = this.#status.readOpen(top.fd);
    this.#fingerprint.add("", status);
    this.#see(status);
    const tree: Folder = { kind: "folder", ...attributesOf(status, this.#root.maps), entries: new Map() };
    const pending: Pending[] = mayList(this.#root.maps, status) ? [{ folder: tree, path: "" }] : [];
    using descent = new Descent(top.fd);
    for (let next = pending.pop(); next; next = pending.pop()) this.#fill(descent, next, pending);
    return {
      tree,
      fingerprint: this.#fingerprint.digest(),
      newest: BigInt(this.#newestSeconds) * 1_000_000_000n + BigInt(this.#newestNanoseconds),
    };
  }

  #fill(descent: Descent, { folder, path }: Pending, pending: Pending[]): void {
    try {
      using open = descent.open(path);
      this.#fingerprint.enter(path);
      const records = folderRecords(open.fd);
      const places = placesIn(records);
      for (const name of [...places.keys()].sort()) {
        const within = `${path}/${name}`;
        const entry = this.#entryOf({ folder: open.fd, records, at: places.get(name) ?? 0 }, name, within);
        if (!entry) continue;
        folder.entries.set(name, entry);
        if (entry.kind === "folder" && mayList(this.#root.maps, this.#status))
          pending.push({ folder: entry, path: within });
      }
    } catch (error) {
      if (error instanceof UnikrunError) throw error;
      throw this.#failure(path, error);
    }
  }

  /** Null where it is gone. */
  #entryOf(place: Place, name: string, path: string): Entry | null {
    try {
      const status = this.#status.readAt(place.folder, place.records, place.at);
      this.#see(status);
      this.#fingerprint.add(name, status);
      return this.#entry(status, place, path);
    } catch (error) {
      if (GONE.has(errorCode(error))) return null;
      throw error;
    }
  }

  #entry(status: FileStatus, place: Place, path: string): Entry {
    const { maps } = this.#root;
    const attributes = attributesOf(status, maps);
    const { kind } = status;
    switch (kind) {
      case "folder":
        return { kind, ...attributes, entries: new Map() };
      case "file": {
        if (!mayRead(maps, status)) return { kind, ...attributes, size: 0, content: { bytes: NOTHING } };
        const { size } = status;
        const sparse = status.allocated < size;
        const below = `${this.#start}${path}`;
        const content = sparse
          ? { root: this.#root, path: below, sparse }
          : { root: this.#root, path: below };
        if (status.links === 1) return { kind, ...attributes, size, content };
        return { kind, ...attributes, size, content, identity: `${status.device}:${status.inode}` };
      }
      case "link": {
        const target = nameOf(linkTarget(place.folder, place.records, place.at));
        this.#fingerprint.addText(target);
        return { kind, ...attributes, target };
      }
      case "fifo":
      case "socket":
      case "character":
      case "block":
        return { kind, ...attributes, major: status.major, minor: status.minor };
    }
  }

  #see(status: FileStatus): void {
    this.#seeTime(status.changedSeconds, status.changedNanoseconds);
    this.#seeTime(status.modifiedSeconds, status.modifiedNanoseconds);
  }

  #seeTime(seconds: number, nanoseconds: number): void {
    if (seconds < this.#newestSeconds) return;
    if (seconds === this.#newestSeconds && nanoseconds <= this.#newestNanoseconds) return;
    this.#newestSeconds = seconds;
    this.#newestNanoseconds = nanoseconds;
  }

  #failure(path: string, error: unknown): UnikrunError {
    return new UnikrunError(
      `Can't read the folder ${this.#start}${path || "/"} below ${this.#root.name} for a disk: ${reasonOf(error)}; check that it is there and stays as it is.`,
      { cause: error },
    );
  }
}

/** `maps` as HostSource has them. */
export function attributesOf(status: FileStatus, maps: IdMaps | undefined): Attributes {
  const { uid, gid } = maps ? seenOwner(maps, status) : status;
  return { mode: status.mode, uid, gid, modified: status.modified };
}

/** Where each name of a folder stands in its records. */
function placesIn(records: Buffer): Map<string, number> {
  const places = new Map<string, number>();
  for (const { bytes, at } of namesIn(records)) places.set(nameOf(bytes), at);
  return places;
}
