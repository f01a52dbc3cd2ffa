/** What ids are called on the two sides of a map (user_namespaces(7)). */
import { type IdMaps, type IdRange, ownIdMaps } from "./user-namespace.ts";

/** Null where it is in no range of the map. */
export const idInside = (map: readonly IdRange[], outer: number): number | null =>
  translate(map, outer, "outside", "inside");

export const idOutside = (map: readonly IdRange[], inner: number): number | null =>
  translate(map, inner, "inside", "outside");

type Side = "inside" | "outside";

function translate(map: readonly IdRange[], id: number, from: Side, to: Side): number | null {
  for (const range of map) {
    const place = id - range[from];
    if (place >= 0 && place < range.count) return range[to] + place;
  }
  return null;
}

/** Who we are to those outside of the user namespace that we are in. */
export function outsideUid(): number {
  const uid = process.geteuid?.() ?? 0;
  return idOutside(ownIdMaps().uids, uid) ?? uid;
}

/** Of ids inside of `first` those inside of `second`, as far as both mean the same outside. */
export const joinMaps = (first: IdMaps, second: IdMaps): IdMaps => ({
  uids: join(first.uids, second.uids),
  gids: join(first.gids, second.gids),
});

const join = (first: readonly IdRange[], second: readonly IdRange[]): IdRange[] =>
  first.flatMap((one) =>
    second.flatMap((other) => {
      const outer = Math.max(one.outside, other.outside);
      const end = Math.min(one.outside + one.count, other.outside + other.count);
      if (end <= outer) return [];
      return [
        {
          inside: one.inside + outer - one.outside,
          outside: other.inside + outer - other.outside,
          count: end - outer,
        },
      ];
    }),
  );

/** Whether two ranges have an id in common on that side. */
export const overlaps = (map: readonly IdRange[], side: Side): boolean =>
  map.some((one, at) =>
    map.some(
      (other, place) =>
        place > at && one[side] < other[side] + other.count && other[side] < one[side] + one.count,
    ),
  );

/** As uid_map is written. */
export const linesOf = (map: readonly IdRange[]): string =>
  map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join("");
