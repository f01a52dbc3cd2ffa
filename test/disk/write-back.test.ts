import { dlopen } from "bun:ffi";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import test, { type ExecutionContext } from "ava";
import { O_CREAT, O_RDWR, openPath, owned } from "../../native/libc.ts";
import { writeExt2 } from "../../runtime/disk/ext2/writer.ts";
import { pathSource } from "../../runtime/disk/host-source.ts";
import { openVolume } from "../../runtime/disk/volume.ts";
import { bringBack, bringVolumeBack } from "../../runtime/disk/volume-back.ts";
import { openVolumeFolder } from "../../runtime/disk/volume-folder.ts";
import { hasPending, placeOf, type VolumePlace } from "../../runtime/disk/volume-record.ts";
import { bringBackAll } from "../../runtime/disk/volumes.ts";
import { scan, temporaryFolder } from "./images.ts";

interface TestVolume {
  readonly store: string;
  readonly source: string;
  readonly place: VolumePlace;
  readonly disk: string;
}

function volumeOf(store: string, source: string): TestVolume {
  using folder = openVolumeFolder(pathSource(source));
  const place = placeOf(store, folder);
  return { store, source, place, disk: place.image };
}

const { symbols: libc } = dlopen("libc.so.6", {
  setxattr: { args: ["cstring", "cstring", "ptr", "u64", "i32"], returns: "i32" },
  getxattr: { args: ["cstring", "cstring", "ptr", "u64"], returns: "i64" },
});
const NOTE = Buffer.from("user.note\0");

const setNote = (path: string, text: string): boolean =>
  libc.setxattr(Buffer.from(`${path}\0`), NOTE, Buffer.from(text), text.length, 0) === 0;

function noteOf(path: string): string {
  const note = Buffer.alloc(100);
  const length = Number(libc.getxattr(Buffer.from(`${path}\0`), NOTE, note, note.length));
  return note.toString("utf8", 0, Math.max(0, length));
}

/** A volume's folder with a few files, and an empty store. */
function makeVolume(t: ExecutionContext): TestVolume {
  const folder = temporaryFolder(t);
  const source = `${folder}/volume`;
  mkdirSync(`${source}/sub/deep`, { recursive: true });
  writeFileSync(`${source}/kept`, "kept");
  writeFileSync(`${source}/sub/inner`, "inner");
  writeFileSync(`${source}/sub/gone`, "gone");
  symlinkSync("kept", `${source}/link`);
  utimesSync(`${source}/kept`, 1000, 1000);
  return volumeOf(`${folder}/store`, source);
}

const open = ({ store, source }: TestVolume, containerId: string) =>
  openVolume({ store, source: pathSource(source), containerId, mountpoint: "/data", bytes: 64 << 20 });

const isPending = ({ store, source }: TestVolume): boolean => {
  using folder = openVolumeFolder(pathSource(source));
  return hasPending(store, folder.identity);
};

/** What a guest does: between its machine's start and its end, with debugfs in the guest's place. */
function run(volume: TestVolume, commands: readonly string[], meanwhile = () => {}): void {
  const machine = open(volume, "c1");
  debugfs(volume.disk, commands);
  meanwhile();
  machine[Symbol.dispose]();
}

function debugfs(disk: string, commands: readonly string[]): string {
  const input = `${commands.join("\n")}\n`;
  const { stdout } = Bun.spawnSync(["debugfs", "-w", "-f", "-", disk], { stdin: Buffer.from(input) });
  return stdout.toString();
}

/** As a kernel does with a folder whose entries change; debugfs does not. */
const touched = (path: string): string => `set_inode_field ${path} ctime now`;

function writeSource(t: ExecutionContext, text: string): string {
  const file = `${temporaryFolder(t)}/content`;
  writeFileSync(file, text);
  return file;
}

test("what a guest wrote, changed and removed is in the folder, and nothing else is touched", (t) => {
  const volume = makeVolume(t);
  const content = writeSource(t, "new content");
  const before = lstatSync(`${volume.source}/sub/inner`);
  run(volume, [
    `write ${content} fresh`,
    `mkdir made`,
    `write ${content} made/file`,
    "rm sub/gone",
    touched("/"),
    touched("/sub"),
    touched("/made"),
    "rm kept",
    `write ${content} kept`,
    "symlink away /somewhere/else",
  ]);
  t.true(isPending(volume));
  t.is(bringVolumeBack(volume.place).outcome, "brought back");
  t.false(isPending(volume));
  t.deepEqual(readdirSync(volume.source).sort(), ["away", "fresh", "kept", "link", "made", "sub"]);
  for (const name of ["fresh", "made/file", "kept"])
    t.is(readFileSync(`${volume.source}/${name}`, "utf8"), "new content", name);
  t.is(readlinkSync(`${volume.source}/away`), "/somewhere/else");
  t.deepEqual(readdirSync(`${volume.source}/sub`).sort(), ["deep", "inner"]);
  const after = lstatSync(`${volume.source}/sub/inner`);
  t.is(after.ino, before.ino);
  t.is(after.ctimeMs, before.ctimeMs);
});

test("modes, owners, times and hard links come back", (t) => {
  const volume = makeVolume(t);
  const content = writeSource(t, "x");
  run(volume, [
    `write ${content} file`,
    "set_inode_field file mode 0104750",
    "set_inode_field file uid 1234",
    "set_inode_field file gid 70000",
    "set_inode_field file mtime 20010203040506",
    "ln file twin",
    "set_inode_field file links_count 2",
    touched("/"),
  ]);
  bringVolumeBack(volume.place);
  const { mode, uid, mtimeMs, nlink, ino } = lstatSync(`${volume.source}/file`);
  t.is(mode & 0o7777, 0o4750);
  t.is(uid, 1234);
  t.is(mtimeMs, Date.UTC(2001, 1, 3, 4, 5, 6));
  t.is(nlink, 2);
  t.is(lstatSync(`${volume.source}/twin`).ino, ino);
});

test("what others did in the folder meanwhile stays, unless the guest changed the same", (t) => {
  const volume = makeVolume(t);
  const content = writeSource(t, "the guest's");
  run(volume, [touched("/"), touched("/sub"), "rm sub/gone", "rm kept", `write ${content} kept`], () => {
    writeFileSync(`${volume.source}/theirs`, "new");
    writeFileSync(`${volume.source}/sub/inner`, "changed");
    writeFileSync(`${volume.source}/sub/gone`, "changed");
    writeFileSync(`${volume.source}/kept`, "theirs");
  });
  bringVolumeBack(volume.place);
  t.is(readFileSync(`${volume.source}/theirs`, "utf8"), "new");
  t.is(readFileSync(`${volume.source}/sub/inner`, "utf8"), "changed");
  t.is(readFileSync(`${volume.source}/sub/gone`, "utf8"), "changed");
  t.is(readFileSync(`${volume.source}/kept`, "utf8"), "the guest's");
});

test("links that somebody puts into the folder meanwhile lead nowhere", (t) => {
  const volume = makeVolume(t);
  const outside = temporaryFolder(t);
  writeFileSync(`${outside}/inner`, "outside");
  run(volume, ["rm sub/inner", `write ${writeSource(t, "evil")} sub/inner`, touched("/sub")], () => {
    renameSync(`${volume.source}/sub`, `${volume.source}/moved`);
    symlinkSync(outside, `${volume.source}/sub`);
  });
  bringVolumeBack(volume.place);
  t.is(readFileSync(`${outside}/inner`, "utf8"), "outside");
  t.is(readFileSync(`${volume.source}/sub/inner`, "utf8"), "evil");
});

test("an unclean disk is repaired, and compared byte by byte: data may be newer than the times say", (t) => {
  const volume = makeVolume(t);
  run(volume, ["dump_inode kept /dev/null", "set_super_value state 0"], () => {
    const [block] = /\d+/.exec(debugfs(volume.disk, ["blocks kept"]).split("\n")[1] ?? "") ?? [];
    using disk = owned(openPath(volume.disk, O_RDWR));
    Bun.spawnSync(["dd", `of=${volume.disk}`, "bs=4096", `seek=${block}`, "conv=notrunc"], {
      stdin: Buffer.from("KEPT"),
    });
    t.true(disk.fd > 0);
  });
  bringVolumeBack(volume.place);
  t.is(readFileSync(`${volume.source}/kept`, "utf8"), "KEPT");
  t.is(Bun.spawnSync(["e2fsck", "-fn", volume.disk]).exitCode, 0);
  t.regex(debugfs(volume.disk, ["ls"]), /kept/);
  t.notRegex(debugfs(volume.disk, ["ls"]), /lost/);
});

test("the next guest gets the same disk if nothing changed, and a new one if something did", (t) => {
  const volume = makeVolume(t);
  const inode = () => lstatSync(volume.disk).ino;
  run(volume, [`write ${writeSource(t, "x")} fresh`, touched("/")]);
  const first = inode();
  run(volume, []);
  t.is(inode(), first, "the folder holds what the disk does");
  writeFileSync(`${volume.source}/by-host`, "seen");
  run(volume, []);
  t.not(inode(), first);
  t.regex(debugfs(volume.disk, ["cat by-host"]), /seen/);
  t.is(readFileSync(`${volume.source}/fresh`, "utf8"), "x");
});

test("a second guest is refused while the first has the volume, and told whose it is", (t) => {
  const volume = makeVolume(t);
  using machine = open(volume, "first");
  t.true(machine.fd > 0);
  t.throws(() => open(volume, "second"), {
    message: /^Container second: the volume \S+ is being written by the guest of container first: stop/,
  });
  t.is(bringVolumeBack(volume.place).outcome, "in use");
});

test("whose it is is said as people call it: a pod's container by its names, others by the first digits", (t) => {
  const volume = makeVolume(t);
  const writtenBy = (containerId: string, title?: string): string => {
    using _machine = openVolume({
      ...{ store: volume.store, source: pathSource(volume.source), mountpoint: "/data", bytes: 64 << 20 },
      ...{ containerId, title },
    });
    return t.throws(() => open(volume, "second"))?.message ?? "";
  };
  const id = "0123456789abcdef".repeat(4);
  t.regex(
    writtenBy(id, "db of the pod shop/db-1"),
    /by the guest of container db of the pod shop\/db-1: stop that one first \(of a Deployment by strategy: Recreate\), or/,
  );
  t.regex(writtenBy(id), /by the guest of container 0123456789ab: stop that one first, or/);
});

test("a guest that left no file system has its disk kept, and the folder is as it was", (t) => {
  const volume = makeVolume(t);
  run(volume, [], () => writeFileSync(volume.disk, Buffer.alloc(1 << 20)));
  t.throws(() => bringVolumeBack(volume.place), {
    message: /left no file system on the disk.*its disk is kept as/,
  });
  t.is(readFileSync(`${volume.source}/kept`, "utf8"), "kept");
  run(volume, []);
  t.is(bringVolumeBack(volume.place).outcome, "brought back");
});

test("all that is pending is brought back at once, and disks of folders that are gone go", (t) => {
  const volume = makeVolume(t);
  const other = `${volume.source}-2`;
  mkdirSync(other);
  chmodSync(other, 0o755);
  run(volume, [`write ${writeSource(t, "x")} fresh`, touched("/")]);
  const gone = volumeOf(volume.store, other);
  run(gone, []);
  bringVolumeBack(gone.place);
  renameSync(other, `${other}.removed`);
  const busy = volumeOf(volume.store, makeVolume(t).source);
  using machine = open(busy, "c2");
  t.true(machine.fd > 0);
  const { volumes, removed, failures } = bringBackAll(volume.store, []);
  t.deepEqual(
    Object.fromEntries(volumes.map(({ folder, container, outcome }) => [folder, [container, outcome]])),
    {
      [volume.source]: ["c1", "brought back"],
      [busy.source]: ["c2", "in use"],
    },
  );
  t.deepEqual([removed, failures], [[other], []]);
  t.true(isPending(busy));
  t.regex(bringBackAll(volume.store, [busy.source]).failures.join(), /is being written by a guest/);
  t.true(existsSync(`${volume.source}/fresh`));
  t.false(existsSync(gone.disk));
  t.true(existsSync(volume.disk));
});

test("a folder that is renamed between its check and its use is written itself, and not what has its name", (t) => {
  const volume = makeVolume(t);
  run(volume, [`write ${writeSource(t, "the guest's")} fresh`, touched("/"), "rm sub/gone", touched("/sub")]);
  using disk = owned(openPath(volume.disk, O_RDWR));
  using folder = openVolumeFolder(pathSource(volume.source));
  const moved = `${volume.source}.moved`;
  renameSync(volume.source, moved);
  mkdirSync(`${volume.source}/sub`, { recursive: true });
  writeFileSync(`${volume.source}/sub/gone`, "another's");
  bringBack(volume.place, disk, folder);
  t.deepEqual(readdirSync(volume.source), ["sub"]);
  t.is(readFileSync(`${volume.source}/sub/gone`, "utf8"), "another's");
  t.is(readFileSync(`${moved}/fresh`, "utf8"), "the guest's");
  t.false(existsSync(`${moved}/sub/gone`));
});

test("a folder that is renamed while its disk is made is on the disk, and not what has its name", (t) => {
  const { source } = makeVolume(t);
  const { tree } = scan(source);
  renameSync(source, `${source}.moved`);
  mkdirSync(source);
  writeFileSync(`${source}/kept`, "nope");
  const image = `${source}.ext2`;
  using disk = owned(openPath(image, O_RDWR | O_CREAT, 0o600));
  writeExt2(tree, disk.fd, { bytes: 16 << 20 });
  t.regex(debugfs(image, ["cat kept"]), /kept$/m);
});

test("a disk whose folder another has the name of is kept until its folder is named", (t) => {
  const volume = makeVolume(t);
  run(volume, [`write ${writeSource(t, "x")} fresh`, touched("/")]);
  const moved = `${volume.source}.moved`;
  renameSync(volume.source, moved);
  const failures = (): string => bringBackAll(volume.store, []).failures.join();
  t.regex(failures(), /volume is gone, which the guest of container c1 wrote: /);
  mkdirSync(volume.source);
  t.regex(failures(), /is another one now.*its disk is kept as \S+\/disk;/);
  bringBackAll(volume.store, [moved]);
  t.deepEqual(readdirSync(volume.source), []);
  t.is(readFileSync(`${moved}/fresh`, "utf8"), "x");
});

test("what an older unikrun has of a folder, or of one whose device has another number, is found", (t) => {
  for (const change of [
    (folder: string) => folder.split(" ").slice(0, 2).join(" "),
    (folder: string) => folder.replace(/^\S+/, "9:99"),
  ]) {
    const volume = makeVolume(t);
    run(volume, [`write ${writeSource(t, "x")} fresh`, touched("/")]);
    const record = JSON.parse(readFileSync(`${volume.place.path}/volume.json`, "utf8"));
    writeFileSync(
      `${volume.place.path}/volume.json`,
      JSON.stringify({ ...record, folder: change(record.folder) }),
    );
    renameSync(volume.place.path, `${volume.store}/volumes/of-before`);
    run(volume, []);
    t.is(readFileSync(`${volume.source}/fresh`, "utf8"), "x");
    t.false(existsSync(`${volume.store}/volumes/of-before`));
  }
});

test("a disk that a newer unikrun wrote down is left as it is, and nobody gets an empty one in its place", (t) => {
  const volume = makeVolume(t);
  run(volume, [`write ${writeSource(t, "x")} fresh`, touched("/")]);
  const file = `${volume.place.path}/volume.json`;
  const record = readFileSync(file, "utf8");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(record), version: 3 }));
  const message =
    /volume's disk in \S+ was written down by a newer unikrun \(its record has version 3, and this one knows 2\): use that one again/;
  t.throws(() => bringVolumeBack(volume.place), { message });
  t.throws(() => run(volume, []), { message });
  writeFileSync(file, record);
  t.is(bringVolumeBack(volume.place).outcome, "brought back");
  t.is(readFileSync(`${volume.source}/fresh`, "utf8"), "x");
});

test("thousands of folders in one another come and go both ways", (t) => {
  const volume = makeVolume(t);
  const DEPTH = 8000;
  const script = `for (1..${DEPTH}) { mkdir "d"; chdir "d" } open F, ">f"`;
  Bun.spawnSync(["perl", "-e", script], { cwd: volume.source });
  // Unclean, so that everything is compared.
  run(volume, ["set_super_value state 0"]);
  t.is(bringVolumeBack(volume.place).outcome, "brought back");
  const count = () =>
    Bun.spawnSync(["find", volume.source, "-name", "d"]).stdout.toString().split("\n").length - 1;
  t.is(count(), DEPTH);
  run(volume, ["unlink d", touched("/")]);
  t.is(bringVolumeBack(volume.place).outcome, "brought back");
  t.is(count(), 0);
});

test("a file that the guest wrote has the attributes that it had, and the folder's names may be any bytes", (t) => {
  const volume = makeVolume(t);
  const file = `${volume.source}/kept`;
  if (!setNote(file, "of the host")) return t.log("without attributes here");
  const odd = Buffer.concat([Buffer.from(`${volume.source}/caf`), Buffer.from([0xe9])]);
  writeFileSync(odd, "odd");
  run(volume, [
    "rm kept",
    `write ${writeSource(t, "new")} kept`,
    "rm sub/gone",
    touched("/"),
    touched("/sub"),
  ]);
  t.is(bringVolumeBack(volume.place).outcome, "brought back");
  t.is(readFileSync(`${volume.source}/kept`, "utf8"), "new");
  t.is(readFileSync(odd, "utf8"), "odd");
  t.is(noteOf(file), "of the host");
});

test("a disk that can't be made leaves nothing in the store", (t) => {
  const volume = makeVolume(t);
  truncateSync(`${volume.source}/kept`, 2 ** 43);
  t.throws(() => open(volume, "c1"), { message: /more than a file on ext2 can have/ });
  writeFileSync(`${volume.source}/${"x".repeat(10)}`, "");
  t.deepEqual(readdirSync(volume.place.path).sort(), ["disk", "lock"]);
  t.is(lstatSync(volume.disk).size, 0);
});
