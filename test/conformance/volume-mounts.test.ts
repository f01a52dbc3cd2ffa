/** What stands in a guest's places, by the kinds of mounts that engines make. */
import test from "ava";
import { makeGuest } from "./volume-harness.ts";

test.serial("a tmpfs has the mode, owner and size that are said", async (t) => {
  const guest = makeGuest(t, [
    { destination: "/plain", type: "tmpfs", source: "tmpfs" },
    {
      destination: "/own",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "size=2m", "mode=0750", "uid=1000", "gid=2000"],
    },
  ]);
  guest.do("create");
  guest.do("start", guest.bench.id);
  const stat = async (path: string) => JSON.parse(await guest.get(`/stat?path=${path}`));
  t.like(await stat("/plain"), { kind: "folder", mode: "1777", uid: 0, gid: 0 });
  t.like(await stat("/own"), { kind: "folder", mode: "0750", uid: 1000, gid: 2000 });
  const { disks } = JSON.parse(await guest.get("/config"));
  t.deepEqual(
    disks.map((disk: { mountpoint: string; bytes: number }) => [disk.mountpoint, disk.bytes]),
    [
      ["/plain", 64 << 20],
      ["/own", 2 << 20],
    ],
  );
});
