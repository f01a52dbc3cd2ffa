import { removeFlatFolder, statusOrNull } from "../../native/files.ts";
import { O_RDWR, openPath, owned } from "../../native/libc.ts";
import { tryLock } from "../../native/lock.ts";
import { reasonOf } from "../error.ts";
import { pathSource } from "./host-source.ts";
import { type BroughtBack, bringVolumeBack } from "./volume-back.ts";
import { openVolumeFolder } from "./volume-folder.ts";
import { isThere, placeOf, placesIn, storesOf, type VolumePlace } from "./volume-record.ts";

export interface AllBroughtBack {
  /** Those that were named, or all that lacked something. */
  readonly volumes: readonly BroughtBack[];
  /** Folders that are gone, whose disks are gone now, too. */
  readonly removed: readonly string[];
  /** A sentence for each that could not be brought back. */
  readonly failures: readonly string[];
}

/**
 * Brings back what guests wrote whose machines are gone, into the folders given, or into all; then removes the disks of folders
 * that are gone themselves, but none that holds what is in no folder.
 */
export function bringBackAll(store: string, folders: readonly string[]): AllBroughtBack {
  const volumes: BroughtBack[] = [];
  const failures: string[] = [];
  const wanted = folders.length > 0 ? folders.map((path) => ({ path })) : pendingIn(store);
  for (const { path, place } of wanted as { path?: string; place?: VolumePlace }[])
    try {
      const volume = bringVolumeBack(place ?? placeAt(store, path ?? ""), path);
      volumes.push(volume);
      // Of all of them, those that guests are writing are in order.
      if (volume.outcome === "in use" && path !== undefined)
        failures.push(`${path} is being written by a guest`);
    } catch (error) {
      failures.push(reasonOf(error));
    }
  return { volumes, removed: removeUnneeded(store), failures };
}

function removeUnneeded(store: string): string[] {
  const removed: string[] = [];
  for (const each of storesOf(store))
    for (const { path, record } of placesIn(each)) {
      const isNeeded = record && (record.pending || (each === store && isThere(record)));
      if ((record ? !isNeeded : isAbandoned(path)) && forget(path)) removed.push(record?.source ?? path);
    }
  return removed;
}

const pendingIn = (store: string): { place: VolumePlace }[] =>
  storesOf(store)
    .flatMap(placesIn)
    .flatMap((place) => (place.record?.pending ? [{ place }] : []));

function placeAt(store: string, path: string): VolumePlace {
  using folder = openVolumeFolder(pathSource(path));
  return placeOf(store, folder);
}

/** Whoever makes a disk writes its record within moments, unless he is killed. */
function isAbandoned(path: string): boolean {
  const MOMENTS = 10_000;
  const made = statusOrNull(path)?.modified;
  return made !== undefined && Date.now() - Number(BigInt(made) / 1_000_000n) > MOMENTS;
}

/** A disk whose folder nobody has any more; never under a running guest. Whether it is gone. */
function forget(path: string): boolean {
  try {
    using lock = owned(openPath(`${path}/lock`, O_RDWR));
    using disk = owned(openPath(`${path}/disk`, O_RDWR));
    if (!tryLock(lock.fd) || !tryLock(disk.fd)) return false;
    removeFlatFolder(path);
    return true;
  } catch {
    // Somebody else was quicker.
    return false;
  }
}
