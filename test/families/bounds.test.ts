/** What a file's headers claim costs nobody time or memory without bound. */
import test from "ava";
import { readElf, readSections } from "../../runtime/guest/file/elf.ts";
import type { KernelFile } from "../../runtime/guest/file/kernel-file.ts";
import { inspect } from "../../runtime/guest/inspect.ts";
import { mirageWords } from "../../runtime/guest/solo5/mirage.ts";
import { parameterWords } from "../../runtime/guest/unikraft/info.ts";
import { fileOf, makeKernel } from "./kernels.ts";

const GIB = 2 ** 30;

interface Header {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** A file of 2 GiB, of which only `parts` are no zeros, by their offsets; `read` counts bytes. */
function sparse(parts: ReadonlyMap<number, Buffer>): KernelFile & { readonly fetched: { bytes: number } } {
  const size = 2 * GIB;
  const fetched = { bytes: 0 };
  return {
    path: "/guest.bin",
    size,
    fetched,
    read(offset, length) {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
      fetched.bytes += bytes.length;
      for (const [at, part] of parts) {
        const [from, to] = [Math.max(at, offset), Math.min(at + part.length, offset + bytes.length)];
        if (from < to) part.copy(bytes, from - offset, from - at, to - at);
      }
      return bytes;
    },
  };
}

function elfHead(headers: readonly Header[]): Buffer {
  const head = Buffer.alloc(64 + headers.length * 56);
  head.write("\x7fELF\x02\x01\x01", 0, "latin1");
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(62, 18);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(headers.length, 56);
  headers.forEach(({ type, offset, size }, index) => {
    const at = 64 + index * 56;
    head.writeUInt32LE(type, at);
    [offset, 0x100000, 0x100000, size, size].forEach((value, word) => {
      head.writeBigUInt64LE(BigInt(value), at + 8 + 8 * word);
    });
  });
  return head;
}

function note(owner: string, type: number, ...words: number[]): Buffer {
  const name = Buffer.alloc(Math.ceil((owner.length + 1) / 4) * 4);
  name.write(owner);
  const values = Buffer.from(Uint32Array.from([owner.length + 1, words.length * 4, type, ...words]).buffer);
  return Buffer.concat([values.subarray(0, 12), name, values.subarray(12)]);
}

/** Of Solo5: the target, and the version of its interface. */
const solo5 = (target: number): Buffer => note("Solo5", 0x31494241, target, 1);

/** Programs of 32,000 segments, all of them the same GiB or 32 MiB. */
const KERNELS: Readonly<Record<string, { note: Buffer; size: number }>> = {
  "solo5-spt": { note: solo5(2), size: GIB },
  "solo5-hvt": { note: solo5(1), size: 32 << 20 },
  rumprun: { note: note("Xen", 18, 0x100000), size: 32 << 20 },
};

for (const [family, { note: content, size }] of Object.entries(KERNELS))
  test(`a kernel like those of ${family} whose segments lie on one another is refused, and not looked through`, (t) => {
    const NOTE = 4 << 20;
    const loaded = Array.from({ length: 32_000 }, () => ({ type: 1, offset: 0, size }));
    const head = elfHead([{ type: 4, offset: NOTE, size: content.length }, ...loaded]);
    const file = sparse(
      new Map([
        [0, head],
        [NOTE, content],
      ]),
    );
    const found = inspect(file);
    t.like(found, { kind: "broken", family });
    t.regex("why" in found ? found.why : "", /takes \d+ MiB of its file, and 512 are the most/);
    t.true(file.fetched.bytes < 64 << 20, `${file.fetched.bytes} bytes read`);
  });

test("of sections' names no more is looked at than names have", (t) => {
  const kernel = makeKernel();
  const names = 0x3000 + 512;
  const lengthOf = (length: number): number => {
    const bytes = Buffer.concat([kernel, Buffer.alloc(4096)]);
    bytes.writeBigUInt64LE(4096n, 0x3000 + 64 * 2 + 32);
    bytes.fill("x", names + 1, names + 1 + length);
    bytes[names + 1 + length] = 0;
    const file = fileOf(bytes);
    const reading = readElf(file);
    if (reading.kind !== "elf") throw new Error("it is an ELF file");
    return readSections(file, reading.elf)[1]?.name.length ?? 0;
  };
  t.is(lengthOf(100), 100);
  t.is(lengthOf(2000), 0);
});

test("of words that are none of an option's no more are looked at than a kernel has", (t) => {
  const piece = Buffer.concat([elfHead([{ type: 1, offset: 4096, size: 1 << 20 }]), Buffer.alloc(4096)]);
  const wordsOf = (text: string): string[] => {
    const program = Buffer.alloc((1 << 20) - 4096, text);
    program.write(" ipv6 ipv6-gateway ipv4 ", program.length - 24);
    return [...mirageWords(fileOf(Buffer.concat([piece.subarray(0, 4096), program, Buffer.alloc(4096)])))];
  };
  t.deepEqual(wordsOf("nothing of that"), ["ipv4", "ipv6", "ipv6-gateway"]);
  t.deepEqual(wordsOf("ipv4ipv4"), ["ipv6", "ipv6-gateway"]);
});

test("an address that no number has is none of a Unikraft kernel's parameters", (t) => {
  const head = elfHead([{ type: 1, offset: 4096, size: 4096 }]);
  head.writeBigUInt64LE(2n ** 64n - 1n, 64 + 16);
  const bytes = Buffer.alloc(8192);
  head.copy(bytes);
  bytes.write("Environment variables\0", 4096);
  const file = fileOf(bytes);
  const reading = readElf(file);
  if (reading.kind !== "elf") return t.fail(reading.kind);
  t.is(parameterWords(file, reading.elf).size, 0);
});
