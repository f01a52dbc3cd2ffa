import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import test from "ava";
import { kindOfSource, openHostDisk } from "../../runtime/disk/host-image.ts";
import { pathSource } from "../../runtime/disk/host-source.ts";
import { run } from "../network/netns.ts";
import { temporaryFolder } from "./images.ts";

const kindOf = (path: string) => kindOfSource("c1", pathSource(path), "/data");

const openDisk = (containerId: string, path: string, readOnly: boolean) =>
  openHostDisk({ containerId, source: pathSource(path), readOnly, mayOpen: () => true });

/** A file with bytes at an offset. */
function fileWith(path: string, offset: number, bytes: Buffer): string {
  const content = Buffer.alloc(offset + bytes.length);
  bytes.copy(content, offset);
  writeFileSync(path, content);
  return path;
}

function qcow2(path: string, { version = 3, backing = 0n, features = 0n } = {}): string {
  const header = Buffer.alloc(104);
  header.write("QFI\xfb", 0, "latin1");
  header.writeUInt32BE(version, 4);
  header.writeBigUInt64BE(backing, 8);
  header.writeBigUInt64BE(features, 72);
  return fileWith(path, 0, header);
}

test("a file is a disk if a file system that rump kernels mount, or qcow2, is in it", (t) => {
  const folder = temporaryFolder(t);
  const ext2 = Buffer.alloc(2);
  ext2.writeUInt16LE(0xef53);
  const ffs = Buffer.alloc(4);
  ffs.writeUInt32LE(0x011954);
  t.is(kindOf(fileWith(`${folder}/iso`, 32769, Buffer.from("CD001"))), "disk");
  t.is(kindOf(fileWith(`${folder}/ext2`, 1080, ext2)), "disk");
  t.is(kindOf(fileWith(`${folder}/ffs`, 8192 + 1372, ffs)), "disk");
  t.is(kindOf(qcow2(`${folder}/qcow2`)), "disk");
  t.is(kindOf(fileWith(`${folder}/text`, 0, Buffer.from("hosts"))), "file");
  t.is(kindOf(fileWith(`${folder}/empty`, 0, Buffer.alloc(0))), "file");
  mkdirSync(`${folder}/folder`);
  symlinkSync("folder", `${folder}/link`);
  t.is(kindOf(`${folder}/link`), "folder");
});

test("what is no file, folder or disk is refused, and so is what is not there", (t) => {
  t.throws(() => kindOf("/dev/null"), {
    message: /^Container c1: \/dev\/null, to be mounted as \/data, is no file/,
  });
  t.throws(() => kindOf("/no/such"), { message: /\/no\/such, to be mounted as \/data, can't be opened/ });
});

test("a qcow2 file that names other files of the host is refused", (t) => {
  const folder = temporaryFolder(t);
  const open = (source: string) => openDisk("c1", source, true);
  t.throws(() => open(qcow2(`${folder}/a`, { backing: 512n })), {
    message: /needs another file \(a backing file\)/,
  });
  t.throws(() => open(qcow2(`${folder}/b`, { features: 4n })), { message: /an external data file/ });
  using disk = open(qcow2(`${folder}/c`)).descriptor;
  t.true(disk.fd > 0);
});

test("a disk that is being written is nobody else's for writing", (t) => {
  const source = `${temporaryFolder(t)}/disk`;
  writeFileSync(source, "");
  truncateSync(source, 1 << 20);
  const first = openDisk("c1", source, false);
  t.throws(() => openDisk("c2", source, false), {
    message: /^Container c2: the disk \S+ is being written by another machine/,
  });
  first.descriptor[Symbol.dispose]();
  using again = openDisk("c2", source, false).descriptor;
  t.true(again.fd > 0);
});

test("a disk that the host has mounted is read only", (t) => {
  const folder = temporaryFolder(t);
  const [source, place] = [`${folder}/disk`, `${folder}/mounted`];
  execFileSync("mke2fs", ["-q", "-t", "ext2", source, "4m"]);
  mkdirSync(place);
  run(`mount -o loop ${source} ${place}`);
  t.teardown(() => run(`umount ${place}`));
  t.throws(() => openDisk("c1", source, false), {
    message: `Container c1: the disk ${source} is mounted on this host, as ${place}, and only one can write it: unmount it there, or mount the disk read-only.`,
  });
  openDisk("c1", source, true).descriptor[Symbol.dispose]();
});

test("an unclean ext2 is repaired before a guest writes it, and left alone for one that reads", (t) => {
  const source = `${temporaryFolder(t)}/disk`;
  execFileSync("mke2fs", ["-q", "-t", "ext2", source, "4m"]);
  execFileSync("debugfs", ["-w", "-R", "set_super_value state 0", source], { stdio: "ignore" });
  openDisk("c1", source, true).descriptor[Symbol.dispose]();
  const state = () => spawnSync("dumpe2fs", ["-h", source]).stdout.toString();
  t.regex(state(), /Filesystem state:\s+not clean/);
  openDisk("c1", source, false).descriptor[Symbol.dispose]();
  t.regex(state(), /Filesystem state:\s+clean/);
});

test("a file system of ext2's kind that no rump kernel mounts is refused by what it has", (t) => {
  const source = `${temporaryFolder(t)}/disk`;
  const make = (...options: string[]) => execFileSync("mke2fs", ["-q", "-F", ...options, source, "8m"]);
  make("-t", "ext4");
  for (const readOnly of [true, false])
    t.throws(() => openDisk("c1", source, readOnly), {
      message: /^Container c1: the disk \S+ has a file system with extents, 64bit, .*make an ext2/,
    });
  make("-t", "ext2", "-O", "extents");
  t.throws(() => openDisk("c1", source, false), { message: /has a file system with extents, which/ });
  make("-t", "ext3");
  using disk = openDisk("c1", source, false).descriptor;
  t.true(disk.fd > 0);
});
