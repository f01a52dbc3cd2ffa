/** The user namespace that this process is in (user_namespaces(7)). */
import { readTextOrNull } from "./files.ts";
import { once } from "./libc.ts";

/** So many ids from `inside` on are those from `outside` on of the user namespace above. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** Of users, and of groups. */
export interface IdMaps {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** The text of /proc/PID/uid_map or gid_map. */
export const parseIdMap = (text: string): IdRange[] =>
  text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([inside = 0, outside = 0, count = 0]) => (count > 0 ? [{ inside, outside, count }] : []));

const ALL = 4_294_967_295;

/** As the host's own namespace has them. */
export const EVERY_ID: readonly IdRange[] = [{ inside: 0, outside: 0, count: ALL }];

const ownIdMap = (kind: "uid" | "gid"): IdRange[] =>
  parseIdMap(readTextOrNull(`/proc/self/${kind}_map`) ?? `0 0 ${ALL}`);

export const ownIdMaps: () => IdMaps = once(() => ({ uids: ownIdMap("uid"), gids: ownIdMap("gid") }));

/** Only the host's own namespace has every id as it is. */
export const isWhole = ([first]: readonly IdRange[]): boolean =>
  first !== undefined && first.inside === 0 && first.outside === 0 && first.count === ALL;

export const inUserNamespace = (): boolean => !isWhole(ownIdMaps().uids);
