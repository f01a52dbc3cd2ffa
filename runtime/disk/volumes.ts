import { removeFlatFolder, statusOrNull } from "../../native/files.ts";
import { O_RDWR, openPath, owned } from "../../native/libc.ts";
import { tryLock } from "../../native/lock.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { pathSource } from "./host-source.ts";
import { bringVolumeBack } from "./volume-back.ts";
import { openVolumeFolder } from "./volume-folder.ts";
import { isThere, placeOf, placesIn, storesOf, type VolumePlace } from "./volume-record.ts";

/**
 * Brings back what guests wrote whose machines are gone, into the folders given, or into all; then removes the disks of folders
 * that are gone themselves, but none that holds what is in no folder. Throws UnikrunError that names every folder where it
 * could not be done.
 */
export function bringBackAll(store: string, folders: readonly string[]): void {
  const failures = (folders.length > 0 ? folders.map((path) => ({ path })) : pendingIn(store)).flatMap(
    ({ path, place }: { path?: string; place?: VolumePlace }) => {
      try {
        const isDone = bringVolumeBack(place ?? placeAt(store, path ?? ""), path);
        // Of all of them, those that guests are writing are in order.
        return isDone || path === undefined ? [] : [`${path} is being written by a guest`];
      } catch (error) {
        return [reasonOf(error)];
      }
    },
  );
  for (const each of storesOf(store))
    for (const { path, record } of placesIn(each)) {
      const isNeeded = record && (record.pending || (each === store && isThere(record)));
      if (record ? !isNeeded : isAbandoned(path)) forget(path);
    }
  if (failures.length > 0)
    throw new UnikrunError(`What guests wrote could not be brought back everywhere: ${failures.join("; ")}`);
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

/** A disk whose folder nobody has any more; never under a running guest. */
function forget(path: string): void {
  try {
    using lock = owned(openPath(`${path}/lock`, O_RDWR));
    using disk = owned(openPath(`${path}/disk`, O_RDWR));
    if (tryLock(lock.fd) && tryLock(disk.fd)) removeFlatFolder(path);
  } catch {
    // Somebody else was quicker.
  }
}
