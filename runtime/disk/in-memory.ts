/**
 * In place of the store, for folders that are in memory themselves, whose files are to be on no disk: it is there as long as they are,
 * and whoever is killed. A disk there goes as soon as the folder has what is on it.
 */
import { makeFolders, statusOfFile } from "../../native/files.ts";
import { outsideUid } from "../../native/id-maps.ts";
import { openPath, owned } from "../../native/libc.ts";
import { isInMemory } from "../../native/room.ts";
import { AS_FOLDER } from "../../native/tree-files.ts";
import { UnikrunError } from "../error.ts";
import { hostCache, isRootless } from "../places.ts";

/** The first that is in memory counts: in a container that runs an engine, /run is on a disk as a rule. */
const places = (): string[] => [`${hostCache()}/in-memory`, `/dev/shm/unikrun-in-memory${suffix()}`];

/** Everybody's programs may make files there, so each user has a name of his own. */
const suffix = (): string => (isRootless() ? `-${outsideUid()}` : "");

/** Those that there are. */
export const memoryStores = (): string[] => places().filter(isOurs);

/** Makes it where there is none. Throws UnikrunError where the host has no such place, for the volume of that name. */
export function memoryStore(name: string): string {
  const place = places().find(isMade);
  if (place !== undefined) return place;
  throw new UnikrunError(
    `The volume ${name} is in memory only, and this host has no place in memory for its guest's disk, as neither /run nor /dev/shm is a tmpfs: mount one at ${hostCache()}, or use a volume on a disk.`,
  );
}

function isMade(place: string): boolean {
  try {
    makeFolders(place, 0o700);
  } catch {
    return false;
  }
  return isOurs(place);
}

/** Everybody may make files in /dev/shm: one that another has made is passed over. */
function isOurs(place: string): boolean {
  try {
    using folder = owned(openPath(place, AS_FOLDER));
    const { uid, mode } = statusOfFile(folder.fd);
    return uid === process.geteuid?.() && (mode & 0o077) === 0 && isInMemory(folder.fd);
  } catch {
    return false;
  }
}
