import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import test from "ava";
import { pathSource } from "../../runtime/disk/host-source.ts";
import { writeIso } from "../../runtime/disk/iso9660.ts";
import { openFolderRoot } from "../../runtime/disk/root.ts";
import { emptyFolder, type Folder, put } from "../../runtime/disk/tree.ts";
import {
  BEYOND_4_GIB,
  described,
  extractIso,
  opened,
  scan,
  temporaryFolder,
  variousFiles,
} from "./images.ts";

function isoOf(tree: Folder, image: string): void {
  using file = opened(image);
  writeIso(tree, file.fd);
}

const someFile = { kind: "file", mode: 0o644, uid: 0, gid: 0, modified: 0n } as const;

test("xorriso finds on the disk what was on the host", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/source`);
  variousFiles(`${folder}/source`);
  isoOf(scan(`${folder}/source`).tree, `${folder}/iso`);
  extractIso(`${folder}/iso`, `${folder}/copy`);
  t.deepEqual(described(`${folder}/copy`), described(`${folder}/source`));
});

test("the same tree gives the same bytes, and a larger image in the file leaves nothing", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/source`);
  variousFiles(`${folder}/source`);
  writeFileSync(`${folder}/two`, Buffer.alloc(20_000_000, 7));
  for (const image of ["one", "two"]) isoOf(scan(`${folder}/source`).tree, `${folder}/${image}`);
  t.true(readFileSync(`${folder}/one`).equals(readFileSync(`${folder}/two`)));
});

test("isoinfo lists owners, devices and the names of hard links", (t) => {
  const folder = temporaryFolder(t);
  const tree = emptyFolder();
  const content = { bytes: Buffer.from("same") };
  put(tree, "/dev/null", { ...someFile, kind: "character", mode: 0o666, major: 1, minor: 3 });
  put(tree, "/a", { ...someFile, uid: 0o1750, gid: 0o144, size: 4, content, identity: "1" });
  put(tree, "/b/c", { ...someFile, uid: 0o1750, gid: 0o144, size: 4, content, identity: "1" });
  isoOf(tree, `${folder}/iso`);
  const list = execFileSync("isoinfo", ["-R", "-l", "-i", `${folder}/iso`], { encoding: "utf8" });
  t.regex(list, /crw-rw-rw- +1 +0 +0 .* null/);
  // isoinfo writes owners in octal.
  const [first, second] = [...list.matchAll(/-rw-r--r-- +2 1750 +144 +4 .*\[ *(\d+) \d\d\] +[ac] /g)];
  t.truthy(first);
  t.is(first?.[1], second?.[1]);
});

test("data begins where a file system can share it", (t) => {
  const folder = temporaryFolder(t);
  const tree = emptyFolder();
  for (const name of ["a", "b", "c"]) {
    const bytes = Buffer.from(`content of ${name}`);
    put(tree, name, { ...someFile, size: bytes.length, content: { bytes } });
  }
  isoOf(tree, `${folder}/iso`);
  const image = readFileSync(`${folder}/iso`);
  for (const name of ["a", "b", "c"]) t.is(image.indexOf(`content of ${name}`) % 4096, 0);
});

test("a folder holds 20,000 files", (t) => {
  const folder = temporaryFolder(t);
  const tree = emptyFolder();
  const content = { bytes: Buffer.from("x") };
  for (let i = 0; i < 20_000; i++) put(tree, `/many/file number ${i}`, { ...someFile, size: 1, content });
  isoOf(tree, `${folder}/iso`);
  const list = execFileSync("isoinfo", ["-R", "-f", "-i", `${folder}/iso`], { encoding: "utf8" });
  t.is(list.trim().split("\n").length, 20_001);
  t.true(list.includes("/many/file number 19999\n"));
});

test("a file that became shorter is filled up with zeros, one that grew is cut", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/source`);
  for (const name of ["shrinks", "grows"]) writeFileSync(`${folder}/source/${name}`, "12345678");
  const { tree } = scan(`${folder}/source`);
  truncateSync(`${folder}/source/shrinks`, 3);
  writeFileSync(`${folder}/source/grows`, "1234567890");
  isoOf(tree, `${folder}/iso`);
  extractIso(`${folder}/iso`, `${folder}/copy`);
  t.is(readFileSync(`${folder}/copy/shrinks`, "latin1"), "123\0\0\0\0\0");
  t.is(readFileSync(`${folder}/copy/grows`, "latin1"), "12345678");
});

test("what ISO 9660 can't hold is refused by name", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/source`);
  writeFileSync(`${folder}/source/huge`, "");
  truncateSync(`${folder}/source/huge`, BEYOND_4_GIB);
  t.throws(() => isoOf(scan(`${folder}/source`).tree, `${folder}/iso`), {
    message: /^"\/huge" is larger than 4 GiB - 1, .* mount its folder read-write/,
  });
  const long = emptyFolder();
  put(long, `/${"ü".repeat(128)}`, emptyFolder());
  t.throws(() => isoOf(long, `${folder}/iso`), { message: /has 256 bytes/ });
  const link = emptyFolder();
  put(link, "/far", { ...someFile, kind: "link", target: "a/".repeat(1500) });
  t.throws(() => isoOf(link, `${folder}/iso`), { message: /"\/far" has a longer target/ });
});

test("a file that was replaced by a link is not followed", (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/secret`, "secret");
  symlinkSync("/", `${folder}/way`);
  symlinkSync("secret", `${folder}/link`);
  using root = openFolderRoot(pathSource(folder));
  for (const path of ["/link", `/way${folder}/secret`, "/../etc/passwd"]) {
    const tree = emptyFolder();
    put(tree, "/file", { ...someFile, size: 6, content: { root, path } });
    t.throws(() => isoOf(tree, `${folder}/iso`), { name: "UnikrunError", message: /^Can't copy / });
  }
});

test("an empty tree is a disk", (t) => {
  const folder = temporaryFolder(t);
  isoOf(emptyFolder(), `${folder}/iso`);
  extractIso(`${folder}/iso`, `${folder}/copy`);
  t.is(described(`${folder}/copy`).size, 0);
  t.is(statSync(`${folder}/iso`).size % 4096, 0);
});
