import test from "ava";
import { idInside, idOutside, joinMaps, linesOf, overlaps } from "../../native/id-maps.ts";

const MAP = [
  { inside: 0, outside: 1000, count: 1 },
  { inside: 1, outside: 100_000, count: 65_536 },
];

test("an id is found on either side, or is in no range", (t) => {
  t.deepEqual(
    [0, 1, 65_536, 65_537].map((id) => idOutside(MAP, id)),
    [1000, 100_000, 165_535, null],
  );
  t.deepEqual(
    [1000, 100_000, 165_535, 0].map((id) => idInside(MAP, id)),
    [0, 1, 65_536, null],
  );
});

test("two maps are joined by what they mean outside", (t) => {
  const other = [
    { inside: 50, outside: 1000, count: 100 },
    { inside: 0, outside: 100_010, count: 5 },
  ];
  const { uids, gids } = joinMaps({ uids: MAP, gids: MAP }, { uids: other, gids: [] });
  t.deepEqual(uids, [
    { inside: 0, outside: 50, count: 1 },
    { inside: 11, outside: 0, count: 5 },
  ]);
  t.deepEqual(gids, []);
});

test("overlaps are seen on each side by itself, and neighbours are none", (t) => {
  t.false(overlaps(MAP, "inside"));
  const more = [...MAP, { inside: 65_537, outside: 165_535, count: 1 }];
  t.false(overlaps(more, "inside"));
  t.true(overlaps(more, "outside"));
});

test("lines are those of uid_map", (t) => {
  t.is(linesOf(MAP), "0 1000 1\n1 100000 65536\n");
});
