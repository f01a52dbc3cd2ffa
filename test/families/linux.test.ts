/** What a Linux kernel's file says of itself, and the words of its command line. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "ava";
import { classify } from "../../runtime/guest/detect.ts";
import { kernelWord } from "../../runtime/guest/linux/words.ts";
import { linux } from "../../runtime/guest/linux.ts";
import { fileOf, patched } from "./kernels.ts";

const guest = (name: string): Buffer =>
  readFileSync(resolve(import.meta.dirname, `../../build/guest/${name}.bin`));

/** A bzImage's header with so much behind it. */
function makeBzImage(size = 4096): Buffer {
  const file = Buffer.alloc(size);
  file.writeUInt8(1, 0x1f1);
  file.writeUInt32LE((size - 1024) / 16, 0x1f4);
  file.write("HdrS", 0x202);
  file.writeUInt16LE(0x020f, 0x206);
  file.writeUInt16LE(0x300 - 0x200, 0x20e);
  file.writeUInt8(1, 0x211);
  file.writeBigUInt64LE(1n << 20n, 0x258);
  file.writeUInt32LE(5 << 20, 0x260);
  file.write("6.1.0-test (somebody) #1", 0x300);
  return file;
}

function why(bytes: Buffer): string {
  const found = classify(fileOf(bytes));
  return found.kind === "broken" ? found.why : `not broken but a ${found.kind}`;
}

test("a bzImage is known with its version, and with how much memory it needs", (t) => {
  const found = classify(fileOf(makeBzImage()));
  t.deepEqual(found.kind === "guest" && [found.family.name, found.recognition], [
    "linux",
    { target: "bzImage", version: "6.1.0-test" },
  ]);
  t.is(linux.image(fileOf(makeBzImage())).end, 6 << 20);
});

test("a version that lies nowhere, or is none, is left out", (t) => {
  for (const place of [0, 0xffff, 0x100]) {
    const file = makeBzImage();
    file.writeUInt16LE(place, 0x20e);
    file.fill(0, 0x300, 0x310);
    const found = classify(fileOf(file));
    t.deepEqual(found.kind === "guest" && found.recognition, { target: "bzImage" }, String(place));
  }
});

test("a bzImage that can't be booted says why", (t) => {
  const file = makeBzImage();
  t.regex(why(file.subarray(0, 0x210)), /truncated: it has 528 bytes/);
  t.regex(why(file.subarray(0, 4000)), /truncated: it has 4000 bytes, and its header says 4096/);
  t.regex(why(patched(file, { 518: [0x05, 0x02] })), /protocol is 2.05.*oldest.*2.10/);
  t.regex(why(patched(file, { 529: [0] })), /zImage/);
});

test("a kernel with an entry for PVH is Linux's or OSv's by the name that it gives itself", (t) => {
  const file = guest("pvh");
  const nameOf = (bytes: Buffer): string => {
    const found = classify(fileOf(bytes));
    return found.kind === "guest" ? found.family.name : found.kind;
  };
  t.is(nameOf(file), "linux");
  const name = file.indexOf("Xen\0linux\0") + 4;
  t.is(nameOf(guest("osv")), "osv");
  t.regex(why(patched(file, { [name]: [...Buffer.from("other")] })), /note of Xen/);
  const type = file.indexOf("Xen\0", name) - 4;
  t.regex(why(patched(file, { [type]: [17] })), /of the family linux, but it has no entry for PVH/);
});

test("OSv's vmlinuz is not taken for Linux", (t) => {
  t.regex(
    why(Buffer.concat([makeBzImage(2048), guest("osv")])),
    /of the family osv, but .*take the loader\.elf/,
  );
});

test("Hermit's loader is told from other kernels, and says where it belongs", (t) => {
  const file = Buffer.alloc(4096);
  file.write("\x7fELF\x01\x01\x01", 0, "latin1");
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(3, 18);
  for (const [at, value] of [0x1badb002, 3, -(0x1badb002 + 3) >>> 0].entries())
    file.writeUInt32LE(value, 1024 + 4 * at);
  t.regex(why(file), /marks of none of the families/);
  file.write("Found Hermit version \nHermit Loader version ", 2048);
  t.regex(why(file), /of the family hermit, but it is its loader.*\/hermit-loader/);
});

test("no cut or flipped byte of a bzImage's header crashes the reader", (t) => {
  const file = makeBzImage();
  for (let end = 0; end < 0x280; end++) t.notThrows(() => classify(fileOf(file.subarray(0, end))));
  for (let at = 0x1f0; at < 0x270; at++)
    for (const value of [0, 0x7f, 0xff])
      t.notThrows(() => {
        const bytes = patched(file, { [at]: [value] });
        if (classify(fileOf(bytes)).kind === "guest") linux.image(fileOf(bytes));
      });
});

test("a word is quoted where the kernel would split it", (t) => {
  for (const [text, word] of [
    ["plain", "plain"],
    ["x=y", "x=y"],
    ["", '""'],
    ["two words", '"two words"'],
    ["x=two words", '"x=two words"'],
    ["line\nbreak", '"line\nbreak"'],
    // Its last byte is a no-break space of Latin-1, which is white space for the kernel.
    ["à", '"à"'],
    ['{"a": 1}', '"{"a": 1}"'],
    ['a"b"c', 'a"b"c'],
    ['"x"', '""x""'],
  ] as const)
    t.is(kernelWord(text, "it"), word);
});

test("a word that the kernel would take apart, or change, is refused", (t) => {
  for (const text of ['"', 'a"b', 'x="y"', '" x', "a\0b", 'a" "b c'])
    t.throws(() => kernelWord(text, "argument 3"), { message: /can't be told argument 3: / }, text);
});
