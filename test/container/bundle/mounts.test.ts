import test from "ava";
import { guestMounts } from "../../../runtime/container/bundle/mounts.ts";
import type { Mount, Spec } from "../../../runtime/container/spec/oci.ts";

const specOf = (...list: Mount[]): Spec => ({ ociVersion: "1.0.2", root: { path: "rootfs" }, mounts: list });

const mounts = (...list: Mount[]) => guestMounts("c1", "/bundle", specOf(...list));

test("what engines mount for programs on Linux is no guest's", (t) => {
  const linux: Mount[] = [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/dev", type: "tmpfs", source: "tmpfs" },
    { destination: "/dev/shm", type: "bind", source: "/x/shm", options: ["rbind"] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" },
    { destination: "/run", type: "tmpfs", source: "tmpfs", options: ["size=65536k"] },
    { destination: "/run/.containerenv", type: "bind", source: "/x/.containerenv" },
  ];
  t.deepEqual(mounts(...linux), []);
});

test("folders, files and volumes are the guest's, read-only where the last word is ro", (t) => {
  t.deepEqual(
    mounts(
      { destination: "/etc/hosts", type: "bind", source: "/x/hosts", options: ["rbind", "rprivate"] },
      { destination: "/data", type: "bind", source: "data", options: ["rbind", "rw", "ro"] },
      { destination: "run/secrets/../secrets", options: ["bind", "ro", "rw"], source: "/s" },
      { destination: "/run", type: "bind", source: "/x/empty", options: ["rbind", "rw"] },
    ),
    [
      { destination: "/etc/hosts", readOnly: false, source: "/x/hosts" },
      { destination: "/data", readOnly: true, source: "/bundle/data" },
      { destination: "/run/secrets", readOnly: false, source: "/s", alone: true },
      { destination: "/run", readOnly: false, source: "/x/empty" },
    ],
  );
});

test("a folder of secrets is read-only where secrets are mounted into it, and a volume's own affair elsewhere", (t) => {
  const folder: Mount = {
    destination: "/run/secrets",
    type: "bind",
    source: "/x/secrets",
    options: ["rbind"],
  };
  const secret: Mount = {
    destination: "/run/secrets/one",
    type: "bind",
    source: "/x/one",
    options: ["bind"],
  };
  t.true(mounts(folder, secret)[0]?.readOnly);
  t.false(mounts(folder)[0]?.readOnly);
});

test("rro is read-only, and what is said of a mount with all below it wins over what is said of it alone", (t) => {
  const isReadOnly = (...options: string[]) =>
    mounts({ destination: "/d", type: "bind", source: "/x", options: ["rbind", ...options] })[0]?.readOnly;
  for (const options of [
    ["rro"],
    ["rw", "rro"],
    ["rro", "rw"],
    ["ro", "rro"],
    ["rrw", "rro"],
    ["ro", "rnosuid"],
  ])
    t.true(isReadOnly(...options), options.join());
  for (const options of [[], ["rrw"], ["ro", "rrw"], ["rro", "rrw"], ["rnoexec", "rnosuid", "rprivate"]])
    t.false(isReadOnly(...options), options.join());
});

test("a mount's ids are mapped to the host's, and those to the container's", (t) => {
  const mapping = [{ containerID: 0, hostID: 1000, size: 10 }];
  const bind = { destination: "/d", type: "bind", source: "/x" };
  const mapped = { ...bind, options: ["bind"], uidMappings: mapping, gidMappings: mapping };
  const own = [{ inside: 1000, outside: 0, count: 10 }];
  t.deepEqual(mounts(mapped)[0]?.maps, { uids: own, gids: own });
  const users = {
    uids: [{ inside: 0, outside: 1005, count: 100 }],
    gids: [{ inside: 0, outside: 1000, count: 100 }],
  };
  const maps = (mount: Mount) => guestMounts("c1", "/bundle", specOf(mount), users)[0]?.maps;
  t.deepEqual(maps(mapped), {
    uids: [{ inside: 0, outside: 5, count: 5 }],
    gids: [{ inside: 0, outside: 0, count: 10 }],
  });
  t.deepEqual(maps({ ...bind, options: ["bind", "idmap"] }), {
    uids: [{ inside: 0, outside: 0, count: 100 }],
    gids: [{ inside: 0, outside: 0, count: 100 }],
  });
  t.deepEqual(maps({ ...bind, options: ["bind"] }), users);
});

test("a mount whose users are mapped, but nobody says to whom, is refused, and so is one that is no bind", (t) => {
  const mapping = [{ containerID: 0, hostID: 1000, size: 1 }];
  for (const mapped of [
    { type: "bind", source: "/x", options: ["rbind", "ridmap"] },
    { type: "bind", source: "/x", options: ["bind", "idmap=uids=0-1000-1"] },
    { type: "tmpfs", source: "tmpfs", uidMappings: mapping, gidMappings: mapping },
  ])
    t.throws(() => mounts({ destination: "/d", ...mapped }), {
      message: /^Container c1: .*the users of its mount \/d .*\(idmap\)/,
    });
});

const tmpfs = (options: string[], limit?: number) =>
  guestMounts("c1", "/bundle", {
    ociVersion: "1.0.2",
    root: { path: "rootfs" },
    mounts: [{ destination: "/t", type: "tmpfs", options }],
    linux: { resources: { memory: limit === undefined ? {} : { limit } } },
  })[0]?.tmpfs;

test("a tmpfs has the size that is said, in the units of tmpfs(5)", (t) => {
  const size = (option: string, limit?: number) => tmpfs([option], limit)?.bytes;
  t.is(size("size=64m"), 64 << 20);
  t.is(size("size=65536k"), 64 << 20);
  t.is(size("size=1G"), 1 << 30);
  t.is(size("size=4096"), 4096);
  t.is(size("mode=1777"), undefined);
  const all = size("size=100%") ?? 0;
  t.is(size("size=50%"), all / 2);
  t.is(size("size=0"), all, "as much as there is");
  t.is(size("size=50%", 32 << 20), 32 << 20, "and no more than the container may have");
  t.is(size("size=0", 32 << 20), 32 << 20);
});

test("a tmpfs has the mode and owner that are said, and a value that is none is refused", (t) => {
  t.deepEqual(tmpfs(["mode=0700", "uid=1000", "gid=2000", "noexec", "mode=750"]), {
    mode: 0o750,
    uid: 1000,
    gid: 2000,
  });
  for (const wrong of ["size=much", "size=", "mode=rwx", "uid=me", "gid=-1"])
    t.throws(() => tmpfs([wrong]), {
      message: /^Container c1: the tmpfs \/t has the \w+ "\S*", which is none/,
    });
});

test("nothing can be mounted on the root", (t) => {
  t.throws(() => mounts({ destination: "/", type: "bind", source: "/x", options: ["bind"] }), {
    message: /nothing can be mounted there: mount \/x on a folder/,
  });
});

test("a mount of another type is refused, and named", (t) => {
  t.throws(() => mounts({ destination: "/m", type: "nfs", source: "server:/x" }), {
    message: /^Container c1: its mount \/m of type nfs can't be given to a unikernel: mount a folder/,
  });
});
