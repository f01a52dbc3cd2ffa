/** What is known of a volume's disk: where it is, which folder it stands for, and whether the folder has what is on it. */
import {
  makeFolders,
  readTextOrNull,
  realPath,
  rename,
  statusOfFile,
  writeText,
} from "../../native/files.ts";
import { O_RDONLY, openPath, owned } from "../../native/libc.ts";
import { syncData } from "../../native/tree-writes.ts";

export interface VolumeRecord {
  /** The folder, links followed, and which one it was, since another may have its name now. */
  readonly source: string;
  readonly folder: string;
  /** The container whose guest has the disk, or had it last. */
  readonly container: string;
  /** The folder lacks what that guest wrote. */
  readonly pending: boolean;
  /** Of the folder when it and the disk held the same (scan.ts). */
  readonly fingerprint: string;
  /** Nanoseconds after 1970: what is newer in the folder came there later. */
  readonly newest: string;
}

/** A volume's place in the store. */
export interface VolumePlace {
  readonly source: string;
  readonly folder: string;
  /** The disk, an ext2 file system. */
  readonly image: string;
  /** Held by whoever prepares the disk or writes it back, but not while a guest runs. */
  readonly lock: string;
  /** The folder of these in the store. */
  readonly path: string;
}

/** Throws an Error with `code` where there is no such folder. */
export function placeOf(store: string, source: string): VolumePlace {
  const real = realPath(source);
  const { device, inode } = statusOfFile(real);
  const path = pathFor(store, real);
  makeFolders(path, 0o700);
  return { source: real, folder: `${device} ${inode}`, path, image: `${path}/disk`, lock: `${path}/lock` };
}

function pathFor(store: string, real: string): string {
  const key = new Bun.CryptoHasher("sha256").update(real).digest("hex").slice(0, 32);
  return `${store}/volumes/${key}`;
}

/** Whether the folder lacks what a guest wrote; false also for one that no guest ever had. */
export function hasPending(store: string, source: string): boolean {
  try {
    return recordIn(pathFor(store, realPath(source)))?.pending ?? false;
  } catch {
    return false;
  }
}

/** Null where there is none, or none that can be read. */
export function recordIn(path: string): VolumeRecord | null {
  try {
    return JSON.parse(readTextOrNull(`${path}/${FILE}`) ?? "null");
  } catch {
    return null;
  }
}

const FILE = "volume.json";

/** Survives the host's loss of power: what a guest wrote must not be forgotten. */
export function writeRecord(place: VolumePlace, record: VolumeRecord): void {
  const file = `${place.path}/${FILE}`;
  const draft = `${file}.new`;
  writeText(draft, JSON.stringify(record));
  using written = owned(openPath(draft, O_RDONLY));
  syncData(written.fd);
  rename(draft, file);
}
