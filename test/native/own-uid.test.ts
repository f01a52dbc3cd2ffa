import test from "ava";
import { ownUid } from "../../native/own-uid.ts";
import { parseIdMap } from "../../native/user-namespace.ts";

const maps = (uids: string, gids = uids) => ({ uids: parseIdMap(uids), gids: parseIdMap(gids) });

const HOST = maps("         0          0 4294967295\n");
/** As newuidmap makes it for rootless Podman. */
const ROOTLESS = maps("0 1000 1\n1 100000 65536\n");
const ROOT_ALONE = maps("0 1000 1\n");

test("of the host's ids no two machines share one, whatever their pids", (t) => {
  t.is(ownUid("vmm", 1, HOST), 0x7000_0001);
  t.is(ownUid("vmm", 4_194_303, HOST), 0x7000_0000 + 4_194_303);
  t.is(ownUid("tool", 1, HOST), 0x6000_0001);
  t.is(ownUid("disk", 0, HOST), 0x6fff_ffff);
});

test("in a user namespace VMMs, tools and disks have ids of its own that are mapped, and never each other's", (t) => {
  const pids = Array.from({ length: 70_000 }, (_, pid) => pid);
  const [vmms, tools, disks] = (["vmm", "tool", "disk"] as const).map(
    (kind) => new Set(pids.map((pid) => ownUid(kind, pid, ROOTLESS))),
  );
  for (const ids of [vmms, tools, disks]) t.true([...(ids ?? [])].every((id) => id > 16_000 && id < 65_534));
  t.true((vmms?.size ?? 0) > 16_000);
  t.true(vmms?.isDisjointFrom(tools ?? new Set()));
  t.true(tools?.isDisjointFrom(disks ?? new Set()));
});

test("an id that is mapped for users and not for groups is not taken, nor one in between two ranges", (t) => {
  const uneven = maps("0 1000 1\n1 100000 65536\n", "0 1000 1\n1 200000 100\n");
  const pids = Array.from({ length: 500 }, (_, pid) => pid);
  t.true(pids.map((pid) => ownUid("vmm", pid, uneven)).every((id) => id > 0 && id <= 100));
  // As podman run --userns=keep-id has it.
  const kept = maps("0 1 1000\n1000 0 1\n1001 1001 40000\n");
  const ids = pids.map((pid) => ownUid("vmm", pid, kept));
  t.true(ids.every((id) => id > 1000 && id < 41_001));
});

test("where there are few ids it is one of them, and root's where there is no other", (t) => {
  t.is(ownUid("vmm", 77, ROOT_ALONE), 0);
  t.is(ownUid("vmm", 77, maps("0 1000 1\n1 100000 2\n")), 2);
});
