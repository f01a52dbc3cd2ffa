import test from "ava";
import { FAMILY_NAMES, familyNamed } from "../../runtime/guest/detect.ts";
import { placeOf, ROOM } from "../../runtime/machine/pci.ts";

const kinds = Object.keys(ROOM) as (keyof typeof ROOM)[];

const all = (kind: keyof typeof ROOM): number[] =>
  Array.from({ length: ROOM[kind] }, (_, index) => Number(placeOf(kind, index).addr));

test("no two devices have a slot of the bus, and none has one of the chipset's", (t) => {
  const slots = kinds.flatMap(all);
  t.is(new Set(slots).size, slots.length);
  t.true(slots.every((slot) => slot > 1 && slot < 32));
  for (const kind of kinds)
    t.deepEqual(
      all(kind),
      [...all(kind)].sort((a, b) => a - b),
      kind,
    );
});

test("a device that has no slot is refused", (t) => {
  for (const kind of kinds)
    for (const index of [-1, ROOM[kind]])
      t.throws(() => placeOf(kind, index), { message: /has no slot for the device/ });
});

test("there are slots for all that a family can drive, and for the disk of its own", (t) => {
  for (const { name, limits } of FAMILY_NAMES.map(familyNamed)) {
    t.true(limits.nics <= ROOM.nic, name);
    t.true(limits.disks + 1 <= ROOM.disk, name);
  }
});

test("cards and disks are where they were in machines that are saved already", (t) => {
  t.deepEqual([placeOf("nic", 0).addr, placeOf("disk", 0).addr], ["0x3", "0x10"]);
});

test("a guest that knows its devices by their places has them one behind the other", (t) => {
  const order = ["disk", "nic", "disk"] as const;
  t.deepEqual(
    [placeOf("disk", 0, order), placeOf("nic", 0, order), placeOf("disk", 1, order)].map(({ addr }) =>
      Number(addr),
    ),
    [3, 4, 5],
  );
  t.throws(() => placeOf("nic", 1, order), { message: /has no slot for the device 1 of the kind nic/ });
});
