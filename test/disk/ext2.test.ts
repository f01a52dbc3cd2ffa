import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import test from "ava";
import { openExt2 } from "../../runtime/disk/ext2/reader.ts";
import { ext2Bytes, writeExt2 } from "../../runtime/disk/ext2/writer.ts";
import { emptyFolder, type Folder, put } from "../../runtime/disk/tree.ts";
import {
  BEYOND_4_GIB,
  debugfs,
  described,
  faultsOf,
  opened,
  scan,
  temporaryFolder,
  variousFiles,
} from "./images.ts";
import { readBack } from "./read-back.ts";

function ext2Of(tree: Folder, image: string, options: { spare?: number; inodes?: number } = {}): void {
  using file = opened(image);
  const { spare = 0, ...others } = options;
  writeExt2(tree, file.fd, { bytes: ext2Bytes(tree, others.inodes) + spare, ...others });
}

const someFile = { kind: "file", mode: 0o644, uid: 0, gid: 0, modified: 0n } as const;

for (const spare of [0, 1_000_000, 300_000_000]) {
  test(`what is read back is what was on the host, with ${spare} bytes to spare`, (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(`${folder}/source`);
    variousFiles(`${folder}/source`);
    ext2Of(scan(`${folder}/source`).tree, `${folder}/ext2`, { spare });
    t.is(faultsOf(`${folder}/ext2`), "");
    t.true(statSync(`${folder}/ext2`).blocks * 512 < 12_000_000, "free space and holes take no space");
    const touched = readBack(`${folder}/ext2`, `${folder}/copy`);
    t.deepEqual(touched, []);
    const copy = described(`${folder}/copy`);
    t.deepEqual(copy, described(`${folder}/source`));
  });
}

test("the same tree gives the same bytes", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/source`);
  variousFiles(`${folder}/source`);
  writeFileSync(`${folder}/two`, Buffer.alloc(20_000_000, 7));
  for (const image of ["one", "two"]) ext2Of(scan(`${folder}/source`).tree, `${folder}/${image}`);
  t.true(readFileSync(`${folder}/one`).equals(readFileSync(`${folder}/two`)));
});

test("owners, devices and times are kept, as far as ext2 has them", (t) => {
  const folder = temporaryFolder(t);
  const tree = emptyFolder();
  put(tree, "/null", { ...someFile, kind: "character", major: 1, minor: 3 });
  put(tree, "/disk", { ...someFile, kind: "block", major: 300, minor: 70000 });
  put(tree, "/socket", { ...someFile, kind: "socket", mode: 0o777, major: 0, minor: 0 });
  put(tree, "/late", {
    ...someFile,
    uid: 70000,
    gid: 80000,
    modified: 2n ** 62n,
    size: 0,
    content: { bytes: Buffer.alloc(0) },
  });
  put(tree, "/link", { ...someFile, kind: "link", mode: 0o777, target: `${"t".repeat(4094)}!` });
  ext2Of(tree, `${folder}/ext2`);
  t.is(faultsOf(`${folder}/ext2`), "");
  using file = opened(`${folder}/ext2`);
  const image = openExt2(file.fd);
  const nodes = new Map([...image.entries(image.root)].map(({ name, node }) => [name, node]));
  t.like(nodes.get("null"), { kind: "character", major: 1, minor: 3 });
  t.like(nodes.get("disk"), { kind: "block", major: 300, minor: 70000 });
  t.like(nodes.get("socket"), { kind: "socket", mode: 0o777 });
  t.like(nodes.get("late"), { uid: 70000, gid: 80000, modified: 2 ** 31 - 1, untouched: true });
  const link = nodes.get("link");
  t.is(link && image.readLink(link).length, 4095);
  t.regex(debugfs(`${folder}/ext2`, "-R", "stat disk"), /300:70000/);
});

test("20,000 files in one folder are found, and 300 folders", (t) => {
  const folder = temporaryFolder(t);
  const tree = emptyFolder();
  const content = { bytes: Buffer.from("x") };
  for (let i = 0; i < 20_000; i++) put(tree, `/many/file number ${i}`, { ...someFile, size: 1, content });
  for (let i = 0; i < 300; i++) put(tree, `/folders/${i}`, emptyFolder());
  ext2Of(tree, `${folder}/ext2`, { inodes: 70_000 });
  t.is(faultsOf(`${folder}/ext2`), "");
  t.regex(debugfs(`${folder}/ext2`, "-R", 'cat "/many/file number 19999"'), /^x$/);
  t.regex(debugfs(`${folder}/ext2`, "-R", "stats"), /Inode count: +7\d{4}/);
});

test("a sparse file above 4 GiB stays sparse", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/source`);
  writeFileSync(`${folder}/source/huge`, "begin");
  truncateSync(`${folder}/source/huge`, BEYOND_4_GIB);
  const { tree } = scan(`${folder}/source`);
  t.true(ext2Bytes(tree) < 1_000_000);
  ext2Of(tree, `${folder}/ext2`);
  t.is(faultsOf(`${folder}/ext2`), "");
  readBack(`${folder}/ext2`, `${folder}/copy`);
  const { size, blocks } = statSync(`${folder}/copy/huge`);
  t.is(size, BEYOND_4_GIB);
  t.true(blocks * 512 < 1_000_000);
});

test("what does not fit is refused", (t) => {
  const folder = temporaryFolder(t);
  const tree = emptyFolder();
  put(tree, "/a", { ...someFile, size: 100_000, content: { bytes: Buffer.alloc(100_000) } });
  using file = opened(`${folder}/ext2`);
  t.throws(() => writeExt2(tree, file.fd, { bytes: ext2Bytes(tree) - 4096 }), {
    message: /make the disk larger/,
  });
  put(tree, `/${"ü".repeat(128)}`, emptyFolder());
  t.throws(() => ext2Bytes(tree), { message: /has 256 bytes, and ext2 takes 255/ });
});

test("what a guest changed is told from what it left alone", (t) => {
  const folder = temporaryFolder(t);
  const tree = emptyFolder();
  for (const name of ["kept", "changed"])
    put(tree, name, { ...someFile, size: 4, content: { bytes: Buffer.from(name) } });
  ext2Of(tree, `${folder}/ext2`, { spare: 1_000_000 });
  writeFileSync(`${folder}/new`, "new");
  debugfs(`${folder}/ext2`, "-w", "-R", `write ${folder}/new added`);
  debugfs(`${folder}/ext2`, "-w", "-R", "set_inode_field changed ctime 20260101");
  t.deepEqual(readBack(`${folder}/ext2`, `${folder}/copy`).sort(), ["/added", "/changed"]);
});
