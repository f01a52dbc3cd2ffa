/**
 * Whose files are in a guest whose container has a user namespace, or in a mount with mapped ids. A guest's kernel asks nobody before it
 * reads or writes its disk, so what root of that namespace may not do to a file of the host is left undone here: what belongs to nobody
 * in the map is what it lets all others do (capabilities(7), user_namespaces(7)).
 */
import { idInside, idOutside } from "../../native/id-maps.ts";
import type { IdMaps } from "../../native/user-namespace.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

interface Guarded extends Owner {
  readonly mode: number;
}

/** Who is in no map is shown as nobody (overflowuid). */
const NOBODY = 65_534;

/** As the guest sees an owner of the host's file system; without maps they are the same. */
export const seenOwner = (maps: IdMaps | undefined, { uid, gid }: Owner): Owner =>
  maps ? { uid: idInside(maps.uids, uid) ?? NOBODY, gid: idInside(maps.gids, gid) ?? NOBODY } : { uid, gid };

/** The other way; one that a guest made up and nobody has is root's. */
export function keptOwner(maps: IdMaps | undefined, { uid, gid }: Owner): Owner {
  if (!maps) return { uid, gid };
  const [user, group] = [idOutside(maps.uids, uid), idOutside(maps.gids, gid)];
  return { uid: user ?? idOutside(maps.uids, 0) ?? uid, gid: group ?? idOutside(maps.gids, 0) ?? gid };
}

/** Whether it is one of the namespace's, whose root may do anything with it. */
export const isOwn = (maps: IdMaps | undefined, { uid, gid }: Owner): boolean =>
  !maps || (idInside(maps.uids, uid) !== null && idInside(maps.gids, gid) !== null);

const allows = (maps: IdMaps | undefined, file: Guarded, bits: number): boolean =>
  isOwn(maps, file) || (file.mode & bits) === bits;

export const mayRead = (maps: IdMaps | undefined, file: Guarded): boolean => allows(maps, file, 0o4);
export const mayWrite = (maps: IdMaps | undefined, file: Guarded): boolean => allows(maps, file, 0o2);
/** A folder: what is in it. */
export const mayList = (maps: IdMaps | undefined, folder: Guarded): boolean => allows(maps, folder, 0o5);
/** A folder: what is in it, and its names. */
export const mayFill = (maps: IdMaps | undefined, folder: Guarded): boolean => allows(maps, folder, 0o7);
