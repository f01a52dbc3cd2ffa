import test from "ava";
import { readElf, readSections, symbolAddress } from "../../runtime/guest/file/elf.ts";
import { fileOf, makeKernel, patched } from "./kernels.ts";

function sound(bytes: Buffer) {
  const reading = readElf(fileOf(bytes));
  if (reading.kind !== "elf") throw new Error(`read as ${reading.kind}`);
  return reading.elf;
}

test("an ELF file's header, segments, sections and symbols are read", (t) => {
  const bytes = makeKernel();
  const elf = sound(bytes);
  t.like(elf, { bits: 64, type: 2, machine: 62, entry: 0x100040 });
  t.deepEqual(elf.segments, [
    { type: 1, offset: 0x1000, address: 0x100000, physical: 0x100000, memory: 0x2000, size: 0x2000 },
  ]);
  const sections = readSections(fileOf(bytes), elf);
  t.deepEqual(
    sections.map(({ name }) => name),
    ["", ".rodata", ".shstrtab", ".symtab", ".strtab"],
  );
  t.like(sections[1], { offset: 0x2000, size: 0x1000 });
  t.is(symbolAddress(fileOf(bytes), sections, "main"), 0x222, "and not other_main");
  t.is(symbolAddress(fileOf(bytes), sections, "other_main"), 0x111);
  t.is(symbolAddress(fileOf(bytes), sections, "absent"), undefined);
});

test("a file without sections, or with a section table past its end, has none", (t) => {
  const bare = makeKernel({ sections: false });
  t.deepEqual(readSections(fileOf(bare), sound(bare)), []);
  const lost = patched(makeKernel(), { 40: [0, 0, 0, 0x7f] });
  t.deepEqual(readSections(fileOf(lost), sound(lost)), []);
});

test("what is not ELF, or not of this byte order, is told apart from what is damaged", (t) => {
  const kinds = ["hello", "", "\x7fELF"].map((text) => readElf(fileOf(Buffer.from(text, "latin1"))).kind);
  t.deepEqual(kinds, ["other", "other", "bad"]);
  t.is(readElf(fileOf(patched(makeKernel(), { 5: [2] }))).kind, "foreign");
  t.is(readElf(fileOf(patched(makeKernel(), { 4: [9] }))).kind, "bad");
});
