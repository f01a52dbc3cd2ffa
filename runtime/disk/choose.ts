/** Which disks a guest gets, and what is on each: from its image, its settings and its container's mounts. */
import { parentOf } from "../../native/paths.ts";
import { UnikrunError } from "../error.ts";
import type { Scratch } from "./scratch.ts";

export type DiskContent =
  /** A disk image in the image. */
  | { readonly kind: "image"; readonly path: string }
  /** A disk image or block device of the host. */
  | { readonly kind: "host"; readonly source: string }
  /** Files that the guest only reads. */
  | TreeContent
  /** A folder of the host whose disk the guest writes. */
  | { readonly kind: "volume"; readonly source: string }
  /** An empty disk that is gone with the machine. */
  | ({ readonly kind: "scratch" } & Scratch);

export interface TreeContent {
  readonly kind: "tree";
  /** A folder: absolute on the host, or below the image's root; null for an empty one. */
  readonly base:
    | { readonly in: "image" | "host"; readonly path: string }
    | { readonly in: "nothing"; readonly mode: number; readonly uid: number; readonly gid: number }
    | null;
  /** Files of the host laid over it, by their paths in it. */
  readonly files: Map<string, string>;
  /** Folders in it that other disks are mounted on. */
  readonly folders: Set<string>;
}

export interface Disk {
  /** Absent: attached, but left to the program. */
  readonly mountpoint?: string;
  readonly readOnly: boolean;
  readonly content: DiskContent;
}

/** A mount of the container with what its source turned out to be. */
export interface KnownMount {
  readonly destination: string;
  readonly readOnly: boolean;
  readonly source:
    | { readonly kind: "file" | "folder" | "disk"; readonly path: string }
    | ({ readonly kind: "nothing" } & Scratch);
}

/** What an image wants to be a disk: a folder or a disk image in it. */
export interface WantedDisk {
  readonly path: string;
  readonly kind: "folder" | "file";
  readonly mountpoint?: string;
}

/**
 * The disks in the guest's order: first those that the image asks for, then those of mounts.
 * Throws UnikrunError for a mount that no disk can bring.
 */
export function chooseDisks(
  id: string,
  wanted: readonly WantedDisk[],
  mounts: readonly KnownMount[],
): Disk[] {
  const places = new Set(mounts.map(({ destination }) => destination));
  const disks: Disk[] = wanted
    .filter(({ mountpoint }) => mountpoint === undefined || !places.has(mountpoint))
    .map(({ path, kind, mountpoint }) => ({
      ...(mountpoint === undefined ? {} : { mountpoint }),
      readOnly: true,
      content: kind === "file" ? { kind: "image", path } : tree({ in: "image", path }),
    }));
  // A later mount hides an earlier one.
  const last = new Map(mounts.map((mount) => [mount.destination, mount]));
  for (const mount of last.values()) if (mount.source.kind !== "file") disks.push(diskOf(mount));
  for (const { destination, source } of last.values())
    if (source.kind === "file") layFile(id, disks, destination, source.path);
  for (const { mountpoint } of disks) {
    if (mountpoint === undefined) continue;
    const outer = enclosing(disks, parentOf(mountpoint));
    if (outer?.content.kind === "tree") outer.content.folders.add(within(outer, mountpoint));
  }
  return disks;
}

function tree(base: TreeContent["base"]): TreeContent {
  return { kind: "tree", base, files: new Map(), folders: new Set() };
}

function diskOf({ destination, readOnly, source }: KnownMount): Disk {
  const content = (): DiskContent => {
    switch (source.kind) {
      case "nothing": {
        if (!readOnly) return { ...source, kind: "scratch" };
        const { mode = 0o1777, uid = 0, gid = 0 } = source;
        return tree({ in: "nothing", mode, uid, gid });
      }
      case "disk":
        return { kind: "host", source: source.path };
      default:
        return readOnly ? tree({ in: "host", path: source.path }) : { kind: "volume", source: source.path };
    }
  };
  return { mountpoint: destination, readOnly, content: content() };
}

/** A single file goes onto the disk around it, which a guest can't change: where there is none, onto one of its folder. */
function layFile(id: string, disks: Disk[], destination: string, source: string): void {
  const folder = parentOf(destination);
  const place = enclosing(disks, folder);
  if (place?.content.kind === "tree") {
    place.content.files.set(within(place, destination), source);
    return;
  }
  // An image that brings its own /etc means it.
  if (place?.content.kind === "image") return;
  if (place) {
    throw new UnikrunError(
      `Container ${id}: the file ${destination} can't be mounted into ${place.mountpoint}, which is a disk that the guest writes: put the file into that volume, or mount it elsewhere.`,
    );
  }
  if (folder === "/") {
    throw new UnikrunError(
      `Container ${id}: the file ${destination} can't be mounted directly below /, since a unikernel's own files are there: mount it into a folder.`,
    );
  }
  const content = tree({ in: "image", path: folder });
  disks.push({ mountpoint: folder, readOnly: true, content });
  content.files.set(destination.slice(folder.length), source);
}

/** The innermost disk that is mounted on `path` or above it. */
function enclosing(disks: readonly Disk[], path: string): Disk | undefined {
  return disks
    .filter(({ mountpoint }) => mountpoint !== undefined && `${path}/`.startsWith(`${mountpoint}/`))
    .sort((a, b) => (b.mountpoint?.length ?? 0) - (a.mountpoint?.length ?? 0))[0];
}

const within = ({ mountpoint = "" }: Disk, path: string): string => path.slice(mountpoint.length);
