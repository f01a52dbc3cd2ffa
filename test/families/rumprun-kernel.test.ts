import test from "ava";
import { kernelTraits } from "../../runtime/guest/rumprun-kernel.ts";
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
  t.true(kernelTraits(kernelWith({}, { text: words })).singleNetwork);
  t.false(kernelTraits(kernelWith({})).singleNetwork);
});
