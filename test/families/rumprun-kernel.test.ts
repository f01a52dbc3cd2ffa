import test from "ava";
import { SINGLE_NETWORK } from "../../runtime/guest/rumprun/config.ts";
import { kernelTraits } from "../../runtime/guest/rumprun/kernel.ts";
import { fileOf, makeKernel } from "./kernels.ts";

/** A kernel whose text is these strings and the array of files that rumprun-bake makes of them. */
function kernelWith(files: Readonly<Record<string, string>>, { text = "" } = {}) {
  const ADDRESS = 0x100000;
  const bytes = makeKernel({ address: ADDRESS, text: `\0${text}` });
  // Within the one segment, which begins at offset 0x1000 of the file.
  const TABLE = 0x1800;
  const addressOf = (offset: number): bigint => BigInt(ADDRESS + offset - 0x1000);
  let strings = 0x1a00;
  for (const [index, [path, content]] of Object.entries(files).entries()) {
    const entry = TABLE + index * 32;
    bytes.writeBigUInt64LE(addressOf(strings + 1), entry);
    strings += bytes.write(`\0${path}\0`, strings, "latin1");
    bytes.writeBigUInt64LE(addressOf(strings), entry + 8);
    bytes.writeBigUInt64LE(BigInt(content.length), entry + 16);
    strings += bytes.write(content, strings, "latin1");
  }
  return fileOf(bytes);
}

test("the files that were baked into a kernel are found by their paths", (t) => {
  const files = { "/etc/services": "http 80/tcp\n", "/etc/pwd.db": "\x00\x06\x15\x61", "/etc/group": "" };
  const { files: found } = kernelTraits(kernelWith(files));
  t.deepEqual(
    Object.fromEntries([...found].map(([path, content]) => [path, content.toString("latin1")])),
    files,
  );
});

test("a kernel without such files has none", (t) => {
  t.is(kernelTraits(fileOf(makeKernel())).files.size, 0);
  t.is(kernelTraits(fileOf(Buffer.from("no ELF file at all"))).files.size, 0);
});

test("a kernel that can take system calls is known by the variable that has it do so", (t) => {
  t.true(kernelTraits(kernelWith({}, { text: "RUMPRUN_SYSPROXY" })).proxy);
  t.false(kernelTraits(kernelWith({})).proxy);
});

test("a kernel of 2015 is told from later ones", (t) => {
  const words = 'currently only 1 "net" configuration is supported';
  t.true(kernelTraits(kernelWith({}, { text: words })).knows.has(SINGLE_NETWORK));
  t.false(kernelTraits(kernelWith({})).knows.has(SINGLE_NETWORK));
});

/** A kernel of 16 MiB that is full of what looks like names, and of words that point to them. */
function misleadingKernel(entry: (name: bigint) => readonly bigint[]): ReturnType<typeof fileOf> {
  const [ADDRESS, SIZE] = [0x100000, 1 << 24];
  const head = makeKernel({ address: ADDRESS });
  const bytes = Buffer.concat([head, Buffer.alloc(SIZE)]);
  // The program header's size in the file.
  bytes.writeBigUInt64LE(BigInt(bytes.length - 0x1000), 64 + 32);
  bytes.fill("\0/etc/a\0", head.length, head.length + SIZE / 2, "latin1");
  const nameAt = (index: number): bigint => BigInt(ADDRESS + head.length - 0x1000 + 8 * (index % 65536) + 1);
  let [at, index] = [head.length + SIZE / 2, 0];
  while (at + 64 <= bytes.length)
    for (const word of entry(nameAt(index++))) at = bytes.writeBigUInt64LE(word, at);
  return fileOf(bytes);
}

for (const [what, entry] of [
  ["single entries", (name: bigint) => [name, name, 4n, 0n, 1n]],
  ["one file again and again", (name: bigint) => [name, name, 4n, 0n]],
  ["entries without an end", (name: bigint) => [name, 1n << 40n]],
] as const)
  test(`a kernel full of ${what} is read through, and no more than a few times`, (t) => {
    // To look for each name through all of it would take minutes.
    t.timeout(60_000);
    const kernel = misleadingKernel(entry);
    const { files } = kernelTraits(kernel, "/dev/null");
    t.true(files.size <= 1);
    t.true(kernel.fetched.bytes < 16 * kernel.bytes.length, `${kernel.fetched.bytes}`);
  });

test("files that are built in and have no end of content are refused, with what to do", (t) => {
  const files = Object.fromEntries(["/etc/a", "/etc/b"].map((path) => [path, "x"]));
  const kernel = kernelWith(files);
  const grown = Buffer.concat([kernel.bytes, Buffer.alloc(20 << 20)]);
  grown.writeBigUInt64LE(BigInt(grown.length - 0x1000), 64 + 32);
  for (const entry of [0x1800, 0x1820]) grown.writeBigUInt64LE(9n << 20n, entry + 16);
  t.throws(() => kernelTraits(fileOf(grown), "/dev/null"), {
    message: /files of more than 16 MiB built in.*give it a folder/,
  });
});
