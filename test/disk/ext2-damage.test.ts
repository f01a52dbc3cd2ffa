import { readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { ext2State } from "../../runtime/disk/ext2/image.ts";
import { openExt2 } from "../../runtime/disk/ext2/reader.ts";
import { ext2Bytes, writeExt2 } from "../../runtime/disk/ext2/writer.ts";
import { emptyFolder, put } from "../../runtime/disk/tree.ts";
import { UnikrunError } from "../../runtime/error.ts";
import { debugfs, opened, temporaryFolder } from "./images.ts";
import { readBack } from "./read-back.ts";

const SUPERBLOCK = 1024;
const BLOCK = 4096;

/** A small disk with a file of several blocks, a folder in a folder, a link. */
function sampleDisk(t: ExecutionContext): { image: string; folder: string } {
  const folder = temporaryFolder(t);
  const image = `${folder}/ext2`;
  const tree = emptyFolder();
  const attributes = { mode: 0o644, uid: 0, gid: 0, modified: 0n };
  const bytes = Buffer.alloc(100_000, "data");
  put(tree, "/file", { kind: "file", ...attributes, size: bytes.length, content: { bytes } });
  put(tree, "/outer/inner", emptyFolder());
  put(tree, "/outer/inner/far", { kind: "link", ...attributes, target: "f".repeat(100) });
  using file = opened(image);
  writeExt2(tree, file.fd, { bytes: ext2Bytes(tree) + 100_000 });
  return { image, folder };
}

/** Where an inode stands, by debugfs. */
function inodeAt(image: string, path: string): number {
  const [, block, offset] =
    /block (\d+), offset (0x[0-9a-f]+)/.exec(debugfs(image, "-R", `imap ${path}`)) ?? [];
  return Number(block) * BLOCK + Number(offset);
}

const blockOf = (image: string, path: string): number =>
  Number(debugfs(image, "-R", `blocks ${path}`).trim().split(" ")[0]);

const put16 = (at: number, value: number) => (data: Buffer) => data.writeUInt16LE(value, at);
const put32 = (at: number, value: number) => (data: Buffer) => data.writeUInt32LE(value, at);

const damages: Record<string, (image: string) => (data: Buffer) => number> = {
  "blocks of 2^40 bytes": () => put32(SUPERBLOCK + 24, 30),
  "more blocks than the image": () => put32(SUPERBLOCK + 4, 1_000_000),
  "no blocks": () => put32(SUPERBLOCK + 4, 0),
  "no inodes per group": () => put32(SUPERBLOCK + 40, 0),
  "no blocks per group": () => put32(SUPERBLOCK + 32, 0),
  "a feature of ext4": () => put32(SUPERBLOCK + 96, 0x42),
  "inodes of 7 bytes": () => put16(SUPERBLOCK + 88, 7),
  "an inode table behind the end": () => put32(BLOCK + 8, 0x7fff_ffff),
  "a root that is a file": (image) => put16(inodeAt(image, "/"), 0o100644),
  "a file without a kind": (image) => put16(inodeAt(image, "/file"), 0o644),
  "a file in extents": (image) => put32(inodeAt(image, "/file") + 32, 0x80000),
  "a file that was deleted": (image) => put16(inodeAt(image, "/file") + 26, 0),
  "a file of 2^60 bytes": (image) => put32(inodeAt(image, "/file") + 108, 2 ** 28),
  "a block behind the end": (image) => put32(inodeAt(image, "/file") + 44, 0x7fff_ffff),
  "a block that is there twice": (image) => (data) => {
    const at = inodeAt(image, "/file") + 40;
    return data.writeUInt32LE(data.readUInt32LE(at), at + 4);
  },
  "a block with numbers that leads to itself": (image) => (data) => {
    const block = data.readUInt32LE(inodeAt(image, "/file") + 40 + 48);
    return data.writeUInt32LE(block, block * BLOCK);
  },
  "a folder that is larger than the disk": (image) => put32(inodeAt(image, "/outer") + 4, 0x7fff_f000),
  "a folder with a hole": (image) => put32(inodeAt(image, "/outer") + 4, 2 * BLOCK),
  "a folder within itself": (image) => (data) => {
    const block = blockOf(image, "/outer") * BLOCK;
    return data.writeUInt32LE(
      Number(/Inode: (\d+)/.exec(debugfs(image, "-R", "stat /outer"))?.[1]),
      block + 24,
    );
  },
  "the root in a folder": (image) => put32(blockOf(image, "/outer") * BLOCK + 24, 2),
  "an inode that is none": (image) => put32(blockOf(image, "/outer") * BLOCK + 24, 0x7fff_ffff),
  "a record of no length": (image) => put16(blockOf(image, "/outer") * BLOCK + 28, 0),
  "a record behind the block": (image) => put16(blockOf(image, "/outer") * BLOCK + 28, 8000),
  "a name that is longer than its record": (image) => put16(blockOf(image, "/outer") * BLOCK + 16, 8),
  "a name with a slash": (image) => put32(blockOf(image, "/outer") * BLOCK + 32, 0x2f2e2e2f),
  "a name with a NUL": (image) => put32(blockOf(image, "/outer") * BLOCK + 32, 0),
  "a link of 60,000 bytes": (image) => put32(inodeAt(image, "/outer/inner/far") + 4, 60_000),
  "a link with a NUL in it": (image) => put32(blockOf(image, "/outer/inner/far") * BLOCK, 0),
};

for (const [what, damage] of Object.entries(damages)) {
  test(`a disk with ${what} is refused`, (t) => {
    const { image, folder } = sampleDisk(t);
    const data = readFileSync(image);
    damage(image)(data);
    writeFileSync(image, data);
    t.throws(() => readBack(image, `${folder}/copy`), {
      instanceOf: UnikrunError,
      message: /^The ext2 image .*\.$/,
    });
  });
}

test("whatever bytes are changed, a disk is read or refused", (t) => {
  const { image, folder } = sampleDisk(t);
  const sound = readFileSync(image);
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % below;
  };
  // Metadata stands in the first blocks, and the folders right behind it.
  for (let round = 0; round < 300; round++) {
    const data = Buffer.from(sound);
    for (let i = 0; i < 20; i++) data[random(12 * BLOCK)] = random(256);
    writeFileSync(image, data);
    try {
      readBack(image, `${folder}/copy${round}`);
    } catch (error) {
      t.true(error instanceof UnikrunError || isOfHost(error), String(error));
    }
  }
  t.pass();
});

/** A changed name can be one that the host already has from an earlier entry, or a mode that keeps the test itself out. */
const isOfHost = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code !== "EINVAL";

test("a disk says whether it was unmounted", (t) => {
  const { image, folder } = sampleDisk(t);
  using file = opened(image);
  t.is(ext2State(file.fd), "clean");
  t.true(openExt2(file.fd).clean);
  for (const state of [0, 2, 3]) {
    const data = readFileSync(image);
    data.writeUInt16LE(state, SUPERBLOCK + 58);
    writeFileSync(image, data);
    t.is(ext2State(file.fd), "unclean");
    t.false(openExt2(file.fd).clean);
  }
  writeFileSync(`${folder}/text`, "no disk");
  using other = opened(`${folder}/text`);
  t.is(ext2State(other.fd), "other");
  t.throws(() => openExt2(other.fd), { instanceOf: UnikrunError });
});
