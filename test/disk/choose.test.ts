import test from "ava";
import { chooseDisks, type Disk, type KnownMount, type WantedDisk } from "../../runtime/disk/choose.ts";

const choose = (wanted: WantedDisk[], mounts: KnownMount[]): Disk[] => chooseDisks("c1", wanted, mounts);
const folder = (path: string): WantedDisk => ({ path, kind: "folder", mountpoint: path });
const mount = (
  destination: string,
  kind: "file" | "folder" | "disk",
  { readOnly = false, path = `/host${destination}` } = {},
): KnownMount => ({ destination, readOnly, source: { kind, path } });

const treeOn = (disks: readonly Disk[], mountpoint: string) => {
  const content = disks.find((disk) => disk.mountpoint === mountpoint)?.content;
  if (content?.kind !== "tree") throw new Error(`${mountpoint} is no tree`);
  return content;
};

test("files that the engine mounts are laid over the image's /etc", (t) => {
  const disks = choose([folder("/etc")], [mount("/etc/hosts", "file"), mount("/etc/ssl/cert.pem", "file")]);
  t.is(disks.length, 1);
  const { base, files } = treeOn(disks, "/etc");
  t.deepEqual(base, { in: "image", path: "/etc" });
  t.deepEqual(
    [...files],
    [
      ["/hosts", "/host/etc/hosts"],
      ["/ssl/cert.pem", "/host/etc/ssl/cert.pem"],
    ],
  );
});

test("files in a folder that is on no disk bring that folder of the image", (t) => {
  const disks = choose(
    [],
    [mount("/etc/hosts", "file"), mount("/etc/hostname", "file"), mount("/a/b/c", "file")],
  );
  t.deepEqual(
    disks.map(({ mountpoint, readOnly }) => [mountpoint, readOnly]),
    [
      ["/etc", true],
      ["/a/b", true],
    ],
  );
  t.deepEqual([...treeOn(disks, "/etc").files.keys()], ["/hosts", "/hostname"]);
  t.deepEqual(treeOn(disks, "/a/b").base, { in: "image", path: "/a/b" });
});

test("a folder is a volume where the guest may write, and a tree where it may not", (t) => {
  const disks = choose([], [mount("/data", "folder"), mount("/www", "folder", { readOnly: true })]);
  t.deepEqual(disks[0], {
    mountpoint: "/data",
    readOnly: false,
    content: { kind: "volume", source: "/host/data" },
  });
  t.deepEqual(treeOn(disks, "/www").base, { in: "host", path: "/host/www" });
  t.true(disks[1]?.readOnly);
});

test("a mount hides the image's folder, and the last of two mounts the first", (t) => {
  const disks = choose(
    [folder("/data")],
    [mount("/data", "folder", { path: "/one" }), mount("/data", "folder", { path: "/two" })],
  );
  t.deepEqual(
    disks.map(({ content }) => content),
    [{ kind: "volume", source: "/two" }],
  );
});

test("a disk inside a read-only one finds a folder to be mounted on", (t) => {
  const disks = choose([folder("/var")], [mount("/var/lib/mysql", "folder")]);
  t.deepEqual([...treeOn(disks, "/var").folders], ["/lib/mysql"]);
});

test("disk images and devices are passed as they are, tmpfs gets a disk of its size, one that can't be written an empty one", (t) => {
  const disks = choose(
    [{ path: "/data.iso", kind: "file" }],
    [
      mount("/db", "disk", { readOnly: true }),
      { destination: "/scratch", readOnly: false, source: { kind: "nothing", bytes: 1 << 20 } },
      { destination: "/fixed", readOnly: true, source: { kind: "nothing", mode: 0o750, uid: 7 } },
    ],
  );
  const base = { in: "nothing", mode: 0o750, uid: 7, gid: 0 } as const;
  t.deepEqual(disks, [
    { readOnly: true, content: { kind: "image", path: "/data.iso" } },
    { mountpoint: "/db", readOnly: true, content: { kind: "host", source: "/host/db" } },
    { mountpoint: "/scratch", readOnly: false, content: { kind: "scratch", bytes: 1 << 20 } },
    {
      mountpoint: "/fixed",
      readOnly: true,
      content: { kind: "tree", base, files: new Map(), folders: new Set() },
    },
  ]);
});

test("an image that brings a disk image for /etc means it", (t) => {
  const disks = choose(
    [{ path: "/etc.iso", kind: "file", mountpoint: "/etc" }],
    [mount("/etc/hosts", "file")],
  );
  t.deepEqual(
    disks.map(({ content }) => content),
    [{ kind: "image", path: "/etc.iso" }],
  );
});

test("a file that no disk can bring is refused, and named", (t) => {
  t.throws(() => choose([], [mount("/data", "folder"), mount("/data/my.cnf", "file")]), {
    message:
      /^Container c1: the file \/data\/my\.cnf can't be mounted into \/data, which is a disk that the guest writes/,
  });
  t.throws(() => choose([], [mount("/top", "file")]), {
    message: /\/top can't be mounted directly below \//,
  });
});
