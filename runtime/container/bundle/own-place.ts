/**
 * Which of the ids of its user namespace a machine has for itself. There are fewer than there may be pids, and the containers of one engine
 * may have the same, so whoever makes a machine locks the one that it takes.
 */
import { makeFolders } from "../../../native/files.ts";
import { idOutside } from "../../../native/id-maps.ts";
import { type Descriptor, O_CREAT, O_RDWR, openPath, owned } from "../../../native/libc.ts";
import { tryLockByte } from "../../../native/lock.ts";
import { ownUid } from "../../../native/own-uid.ts";
import { type IdMaps, inUserNamespace } from "../../../native/user-namespace.ts";
import { hostCache } from "../../places.ts";

export interface OwnPlace extends Descriptor {
  /** In place of the pid by which ids are chosen on the host (native/own-uid.ts). */
  readonly place: number;
}

/**
 * It is the machine's as long as a copy of the descriptor is open. Of a map whose ids are all taken it is another's, too. Undefined for a
 * caller in a user namespace himself: all his machines have theirs by their pids.
 */
export function takePlace(maps: IdMaps): OwnPlace | undefined {
  if (inUserNamespace()) return undefined;
  const MOST_TRIES = 1 << 14;
  const folder = hostCache();
  makeFolders(folder, 0o700);
  using opened = new DisposableStack();
  const { fd } = opened.use(owned(openPath(`${folder}/uids`, O_RDWR | O_CREAT, 0o600)));
  const first = process.pid;
  const idAt = (place: number): number => idOutside(maps.uids, ownUid("vmm", place, maps)) ?? 0;
  const isFree = (place: number): boolean => tryLockByte(fd, idAt(place));
  let place = first;
  for (let tries = 1; !isFree(place) && tries < MOST_TRIES; tries++) {
    place = first + tries;
    if (idAt(place) === idAt(first)) break;
  }
  const all = opened.move();
  return { fd, place, [Symbol.dispose]: () => all.dispose() };
}
