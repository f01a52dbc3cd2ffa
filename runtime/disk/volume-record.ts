/** What is known of a volume's disk: where it is, which folder it stands for, and whether the folder has what is on it. */
import {
  exists,
  listFolder,
  makeFolders,
  readTextOrNull,
  rename,
  statusOrNull,
  writeText,
} from "../../native/files.ts";
import { O_RDONLY, openPath, owned } from "../../native/libc.ts";
import { isInMemory } from "../../native/room.ts";
import { syncData } from "../../native/tree-writes.ts";
import type { IdMaps } from "../../native/user-namespace.ts";
import { UnikrunError } from "../error.ts";
import { memoryStore, memoryStores } from "./in-memory.ts";
import { identityOf, isSameFolder, type VolumeFolder } from "./volume-folder.ts";
import { nameOf } from "./writer.ts";

/** Of the records' form; one that a reader of this form would misread has the next. Records without are of form 1. */
const VERSION = 2;

/** Who knows no more than form 1 would give the files of one with maps to others. */
const versionOf = ({ maps }: VolumeRecord): number => (maps ? 2 : 1);

export interface VolumeRecord {
  /** A path of the folder, and which one it is, since another may have its name now. */
  readonly source: string;
  readonly folder: string;
  /** Without what is mounted below it. */
  readonly alone?: boolean;
  /** Of its files' owners (HostSource), as that container has them. */
  readonly maps?: IdMaps | undefined;
  /** The container whose guest has the disk, or had it last. */
  readonly container: string;
  /** What that container is called by whoever asked for it, where its id says nothing to him. */
  readonly title?: string | undefined;
  /** The folder lacks what that guest wrote. */
  readonly pending: boolean;
  /** Its disk was not unmounted, so that all of it is to be compared. */
  readonly thorough?: boolean;
  /** What of it is in the folder, where that had no room for all. */
  readonly brought?: readonly string[];
  /** Of the folder when it and the disk held the same (scan.ts). */
  readonly fingerprint: string;
  /** Nanoseconds after 1970: what is newer in the folder came there later. */
  readonly newest: string;
}

/** Of whose guest the record is, for a sentence. */
export const writerOf = ({ title, container }: Pick<VolumeRecord, "title" | "container">): string =>
  nameOf({ title, containerId: container });

/** A volume's place in the store. */
export interface VolumePlace {
  /** The disk, an ext2 file system. */
  readonly image: string;
  /** Held by whoever prepares the disk or writes it back, but not while a guest runs. */
  readonly lock: string;
  /** The folder of these in the store. */
  readonly path: string;
}

/** Makes it where there is none. Throws UnikrunError for a folder in memory on a host that has no place for its disk. */
export function placeOf(given: string, folder: VolumeFolder): VolumePlace {
  const store = storeFor(given, folder);
  const path = pathFor(store, folder.identity);
  if (!exists(path)) adopt(store, folder, path);
  makeFolders(path, 0o700);
  return placeIn(path);
}

export const storesOf = (store: string): string[] => [store, ...memoryStores()];

/** What an older unikrun left in the store of a folder in memory comes back from there. */
const storeFor = (store: string, { fd, identity, name }: VolumeFolder): string =>
  isInMemory(fd) && !recordIn(pathFor(store, identity))?.pending ? memoryStore(name) : store;

export const placeIn = (path: string): VolumePlace => ({ path, image: `${path}/disk`, lock: `${path}/lock` });

function pathFor(store: string, identity: string): string {
  const key = new Bun.CryptoHasher("sha256").update(identity).digest("hex").slice(0, 32);
  return `${store}/volumes/${key}`;
}

/** What the store has of this folder under another name: since its device has another number, or from an older unikrun. */
function adopt(store: string, { home, identity }: VolumeFolder, path: string): void {
  const known = placesIn(store).find(
    ({ record }) => record?.source === home && isSameFolder(record.folder, identity),
  );
  try {
    if (known) rename(known.path, path);
  } catch {
    // Somebody else was quicker.
  }
}

/** All that the store has. */
export function placesIn(store: string): (VolumePlace & { readonly record: VolumeRecord | null })[] {
  const folder = `${store}/volumes`;
  const names = exists(folder) ? listFolder(folder) : [];
  return names.map((name) => ({ ...placeIn(`${folder}/${name}`), record: recordIn(`${folder}/${name}`) }));
}

/** Whether the folder of that identity lacks what a guest wrote; false also for one that no guest ever had. */
export const hasPending = (store: string, identity: string): boolean =>
  storesOf(store).some((each) => recordIn(pathFor(each, identity))?.pending);

/** Whether the path that was written down leads to that folder still. */
export function isThere({ source, folder }: VolumeRecord): boolean {
  const status = statusOrNull(source);
  return status !== null && isSameFolder(folder, identityOf(status));
}

/** Null where there is none, or none that can be read. Throws UnikrunError for one of a newer unikrun's, which may say more. */
export function recordIn(path: string): VolumeRecord | null {
  const record = parse(readTextOrNull(`${path}/${FILE}`));
  const version = record?.version ?? 1;
  if (version <= VERSION) return record;
  throw new UnikrunError(
    `The volume's disk in ${path} was written down by a newer unikrun (its record has version ${version}, and this one knows ${VERSION}): use that one again.`,
  );
}

function parse(text: string | null): (VolumeRecord & { readonly version?: number }) | null {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

const FILE = "volume.json";

/** Survives the host's loss of power: what a guest wrote must not be forgotten. */
export function writeRecord(place: VolumePlace, record: VolumeRecord): void {
  const file = `${place.path}/${FILE}`;
  const draft = `${file}.new`;
  writeText(draft, JSON.stringify({ ...record, version: versionOf(record) }));
  using written = owned(openPath(draft, O_RDONLY));
  syncData(written.fd);
  rename(draft, file);
}
