import test from "ava";
import { guestMemory } from "../../runtime/machine/memory.ts";

const MIB = 1024 * 1024;
const family = { name: "rumprun", board: {}, memory: { defaultMiB: 64, floorMiB: 8, mostMiB: 3000 } };

const memoryOf = (limit: number | undefined, wanted?: number, hostMiB = 8000): number =>
  guestMemory({
    containerId: "c1",
    limit: limit && limit * MIB,
    wanted,
    family,
    vmm: "tcg",
    hostMiB: () => hostMiB,
  });

test("without a limit the guest gets its family's default, or what it asks for", (t) => {
  t.is(memoryOf(undefined), 64);
  t.is(memoryOf(undefined, 200), 200);
});

test("a limit is the guest's memory and QEMU's together", (t) => {
  t.is(memoryOf(140), 100);
  t.is(memoryOf(140, 50), 50);
});

test("a limit above what the host has, or the family can use, is a limit that is not reached", (t) => {
  t.is(memoryOf(16_000), 3000);
  t.is(memoryOf(16_000, undefined, 2000), 1960);
  t.is(memoryOf(16_000, 3500), 3500, "what is asked for is given");
  t.is(memoryOf(48, undefined, 48), 8);
});

test("a limit that leaves too little is refused with the limit that would do", (t) => {
  t.throws(() => memoryOf(40), { message: /limit of 40 MiB leaves 0 MiB.*--memory 48m/ });
  t.throws(() => memoryOf(140, 101), { message: /leaves 100 MiB.*needs 101 MiB.*--memory 141m/ });
});

test("a guest that asks for more than the host has is refused", (t) => {
  t.throws(() => memoryOf(undefined, 8001), { message: /8001 MiB.*more than the 8000 MiB/ });
});

test("a guest that asks for less than it needs to boot is refused", (t) => {
  t.throws(() => memoryOf(undefined, 4), { message: /4 MiB.*at least 8 MiB/ });
});
