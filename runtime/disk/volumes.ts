import { listFolder, removeFlatFolder, statusOrNull } from "../../native/files.ts";
import { O_RDWR, openPath, owned } from "../../native/libc.ts";
import { tryLock } from "../../native/lock.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { bringVolumeBack } from "./volume.ts";
import { recordIn } from "./volume-record.ts";

/**
 * Brings back what guests wrote whose machines are gone, into the folders given, or into all; then removes the disks of folders
 * that are gone themselves. Throws UnikrunError that names every folder where it could not be done.
 */
export function bringBackAll(store: string, folders: readonly string[]): void {
  const places = placesIn(store);
  const pending = () =>
    places.flatMap(({ record }) => (record?.pending && statusOrNull(record.source) ? [record.source] : []));
  const failures = (folders.length > 0 ? folders : pending()).flatMap((source) => {
    try {
      const isDone = bringVolumeBack({ store, source });
      // Of all of them, those that guests are writing are in order.
      return isDone || folders.length === 0 ? [] : [`${source} is being written by a guest`];
    } catch (error) {
      return [reasonOf(error)];
    }
  });
  for (const { path, record } of places)
    if (record ? !statusOrNull(record.source) : isAbandoned(path)) forget(path);
  if (failures.length > 0)
    throw new UnikrunError(`What guests wrote could not be brought back everywhere: ${failures.join("; ")}`);
}

function placesIn(store: string) {
  try {
    return listFolder(`${store}/volumes`).map((name) => {
      const path = `${store}/volumes/${name}`;
      return { path, record: recordIn(path) };
    });
  } catch {
    return [];
  }
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
