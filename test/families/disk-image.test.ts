/** Guests that are a disk: known by their partitions, in either format, and never by what such a file names elsewhere. */
import test from "ava";
import { classify } from "../../runtime/guest/detect.ts";
import { readDisk } from "../../runtime/guest/file/disk-image.ts";
import type { Boot } from "../../runtime/guest/guest.ts";
import { nanos } from "../../runtime/guest/nanos.ts";
import { fileOf, makeKernel } from "./kernels.ts";
import { asQcow2 } from "./qcow2.ts";

const SECTOR = 512;
const PARTITION = 100 * SECTOR;

/** With a mark where its one partition begins. */
function makeDisk({ mark = "NVMTFS", manifest = "" } = {}): Buffer {
  const disk = Buffer.alloc(1 << 18);
  disk.writeUInt16LE(0xaa55, 510);
  disk.writeUInt8(0x83, 446 + 4);
  disk.writeUInt32LE(PARTITION / SECTOR, 446 + 8);
  disk.write(mark, PARTITION);
  disk.write(manifest, PARTITION + 2000, "latin1");
  return disk;
}

const CLUSTER = 1 << 16;

const familyOf = (bytes: Buffer): string | undefined => {
  const found = classify(fileOf(bytes));
  return found.kind === "guest" ? found.family.name : undefined;
};

function whyBroken(bytes: Buffer): string {
  const found = classify(fileOf(bytes));
  return found.kind === "broken" ? found.why : `not broken but a ${found.kind}`;
}

test("a disk of Nanos's is known by the file system of its partition, raw and as qcow2", (t) => {
  const disk = makeDisk();
  for (const bytes of [disk, asQcow2(disk), asQcow2(disk, { isCompressed: true })])
    t.is(familyOf(bytes), "nanos");
});

test("a raw disk of nobody's is for another runtime, and such a qcow2 file for none", (t) => {
  const disk = makeDisk({ mark: "EXT4" });
  t.is(classify(fileOf(disk)).kind, "unknown");
  t.regex(whyBroken(asQcow2(disk)), /it is a disk image, and has the marks of none/);
});

test("a qcow2 file that needs another file, or is read by a key, is refused", (t) => {
  const image = asQcow2(makeDisk());
  const changed = (change: (header: Buffer) => void): string => {
    const copy = Buffer.from(image);
    change(copy);
    return whyBroken(copy);
  };
  t.regex(
    changed((header) => header.writeBigUInt64BE(112n, 8)),
    /its backing file/,
  );
  t.regex(
    changed((header) => header.writeUInt32BE(2, 32)),
    /encrypted/,
  );
  t.regex(
    changed((header) => header.writeBigUInt64BE(4n, 72)),
    /its data in another file/,
  );
  t.regex(
    changed((header) => header.writeUInt32BE(30, 20)),
    /damaged/,
  );
  t.regex(
    changed((header) => header.writeUInt32BE(9, 4)),
    /unknown version/,
  );
});

test("a qcow2 file that is cut or damaged anywhere is a sentence at most", (t) => {
  for (const image of [asQcow2(makeDisk()), asQcow2(makeDisk(), { isCompressed: true })]) {
    for (const size of [4, 71, 104, CLUSTER, CLUSTER + 4, 3 * CLUSTER + 4, 4 * CLUSTER + 4, 5 * CLUSTER + 10])
      t.notThrows(() => classify(fileOf(image.subarray(0, size))), String(size));
    for (const at of [20, 24, 36, 40, 3 * CLUSTER, 4 * CLUSTER, 4 * CLUSTER + 1]) {
      const copy = Buffer.from(image);
      copy.fill(0xff, at, at + 6);
      t.notThrows(() => classify(fileOf(copy)), String(at));
    }
  }
});

test("what a guest reads of qcow2 is what is on the disk", (t) => {
  const disk = makeDisk();
  for (const bytes of [asQcow2(disk), asQcow2(disk, { isCompressed: true })]) {
    const found = readDisk(fileOf(bytes));
    t.true(
      found.kind === "disk" &&
        found.disk
          .read(SECTOR - 10, 2 * CLUSTER)
          .equals(disk.subarray(SECTOR - 10, SECTOR - 10 + 2 * CLUSTER)),
    );
    t.is(found.kind === "disk" ? found.disk.read(disk.length - 5, 100).length : 0, 5);
  }
});

test("Nanos has ACPI only where its manifest has it tell its code all the same", (t) => {
  const needs = (manifest: string): boolean | undefined => nanos.needsAcpi?.(fileOf(makeDisk({ manifest })));
  t.true(needs("\x88\x0adebug_exit\xc1t"));
  t.false(needs(""));
  t.false(needs("it speaks of debug_exit"));
});

test("a manifest with an address of its own is told of, where there is a network", (t) => {
  const boot = (manifest: string, nics: Boot["nics"]): Boot => ({
    args: ["/disk.img"],
    env: ["PATH=/bin"],
    cwd: "/",
    nics,
    disks: [],
    knows: nanos.traits(fileOf(makeDisk({ manifest }))).knows,
  });
  const nic = { mac: "02:42:ac:11:00:02", mtu: 1500, addresses: [], gateways: [] };
  t.regex(`${nanos.unheard?.(boot("\x86ipaddr\xc8", [nic]))}`, /has an address of its own/);
  t.deepEqual(nanos.unheard?.(boot("\x86ipaddr\xc8", [])), []);
  t.deepEqual(nanos.unheard?.(boot("", [nic])), []);
});

test("its kernel alone is refused, with what is wanted", (t) => {
  const kernel = makeKernel({ multiboot: false, address: 0x200000, text: "NVMTFS", sections: false });
  const note = Buffer.from("\x04\0\0\0\x08\0\0\0\x12\0\0\0Xen\0\0\0\0\0\0\0\0\0", "latin1");
  const at = kernel.length;
  const count = kernel.readUInt16LE(56);
  kernel.writeUInt16LE(count + 1, 56);
  const header = Buffer.alloc(56);
  header.writeUInt32LE(4, 0);
  header.writeBigUInt64LE(BigInt(at), 8);
  header.writeBigUInt64LE(BigInt(note.length), 32);
  header.copy(kernel, 64 + 56 * count);
  t.regex(
    whyBroken(Buffer.concat([kernel, note])),
    /of the family nanos, but a kernel without its disk.*ops image create/,
  );
});
