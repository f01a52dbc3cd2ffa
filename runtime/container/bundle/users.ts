/** The user namespace of a container: whose ids its users have on the host (config-linux.md, User namespace mappings). */
import type { Directive } from "../../../native/directives.ts";
import { idInside, idOutside, linesOf, overlaps } from "../../../native/id-maps.ts";
import { readIdMaps } from "../../../native/init.ts";
import type { IdMaps, IdRange } from "../../../native/user-namespace.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { IdMapping, Spec } from "../spec/oci.ts";
import { checkPath, isOfHost } from "./namespaces.ts";

export interface Users {
  readonly maps: IdMaps;
  /** For init, which enters or makes it. */
  readonly directives: readonly Directive[];
}

/** Undefined where its users are the host's. Throws UnikrunError for what can be no user namespace. */
export function usersOf(id: string, spec: Spec): Users | undefined {
  const { namespaces = [], uidMappings, gidMappings } = spec.linux ?? {};
  const asked = namespaces.find(({ type }) => type === "user");
  const said: IdMaps = { uids: rangesOf(uidMappings), gids: rangesOf(gidMappings) };
  const isSaid = said.uids.length > 0 || said.gids.length > 0;
  if (!asked) {
    if (!isSaid) return undefined;
    throw new UnikrunError(
      `Container ${id}: linux.uidMappings and gidMappings of config.json are those of a user namespace, and linux.namespaces has none: add it, or leave them out.`,
    );
  }
  if (asked.path === undefined) {
    checkMap(id, "uidMappings", said.uids);
    checkMap(id, "gidMappings", said.gids);
    return {
      maps: said,
      directives: [
        ["uid-map", linesOf(said.uids)],
        ["gid-map", linesOf(said.gids)],
      ],
    };
  }
  const path = checkPath(id, asked);
  if (isOfHost(path, "user")) return undefined;
  const maps = mapsAt(id, path);
  if (isSaid && !(isSame(maps.uids, said.uids) && isSame(maps.gids, said.gids)))
    throw new UnikrunError(
      `Container ${id}: linux.uidMappings and gidMappings of config.json are not those of the user namespace ${path} that it is to join: leave them out.`,
    );
  return { maps, directives: [["user-namespace", path]] };
}

/** user_namespaces(7) has what the kernel takes; without root nobody could make the container's other namespaces. */
function checkMap(id: string, field: string, map: readonly IdRange[]): void {
  const why = whyNoMap(map);
  if (why === null) return;
  throw new UnikrunError(
    `Container ${id}: linux.${field} of config.json ${why}, so no user namespace can be made with it: correct it.`,
  );
}

function whyNoMap(map: readonly IdRange[]): string | null {
  const MOST = 340;
  if (map.length === 0) return "maps nobody";
  if (map.length > MOST) return `has ${map.length} entries, and the kernel takes ${MOST}`;
  if (map.some(({ count }) => count === 0)) return "has an entry of the size 0";
  if (map.some(({ inside, outside, count }) => Math.max(inside, outside) + count > 2 ** 32 - 1))
    return "goes beyond the last id";
  if (overlaps(map, "inside")) return "maps an id of the container twice";
  if (overlaps(map, "outside")) return "maps two ids of the container to the same one of the host";
  return idOutside(map, 0) === null ? "does not map the container's root (containerID 0)" : null;
}

function mapsAt(id: string, path: string): IdMaps {
  try {
    const maps = readIdMaps(path);
    if (idOutside(maps.uids, 0) !== null && idOutside(maps.gids, 0) !== null) return maps;
    throw new Error("its root is nobody on the host");
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id}: its user namespace ${path} can't be used (${reasonOf(cause)}).`,
      {
        cause,
      },
    );
  }
}

/** As runtimes and kernels may split them in another way. */
const isSame = (one: readonly IdRange[], other: readonly IdRange[]): boolean =>
  [...one, ...other].every(({ outside, count }) =>
    [outside, outside + count - 1].every((id) => idInside(one, id) === idInside(other, id)),
  );

export const rangesOf = (mappings: readonly IdMapping[] = []): IdRange[] =>
  mappings.map(({ containerID, hostID, size }) => ({ inside: containerID, outside: hostID, count: size }));
