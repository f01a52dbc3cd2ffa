import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import test from "ava";
import { classify, familyNamed } from "../../runtime/guest/detect.ts";
import { fileOf, makeKernel, patched } from "./kernels.ts";

const kindOf = (bytes: Buffer): string => classify(fileOf(bytes)).kind;

function whyBroken(bytes: Buffer): string {
  const found = classify(fileOf(bytes));
  return found.kind === "broken" ? found.why : `not broken but a ${found.kind}`;
}

test("a rump kernel is known by its file, with sections or stripped of them", (t) => {
  for (const sections of [true, false]) {
    const found = classify(fileOf(makeKernel({ sections })));
    t.is(found.kind === "guest" && found.family.name, "rumprun");
  }
});

test("a rump kernel's mark is found across the borders of what is read at once", (t) => {
  const MARK = "_RUMPRUN_ROOTFSCFG=";
  for (const shift of [-MARK.length, -10, -1, 0]) {
    const small = makeKernel({ sections: false, text: "" });
    const big = Buffer.concat([small, Buffer.alloc(1 << 19)]);
    big.writeBigUInt64LE(BigInt(big.length - 0x1000), 64 + 32);
    big.write(MARK, 0x1000 + (1 << 18) + shift);
    t.is(kindOf(big), "guest", String(shift));
  }
});

test("programs and scripts are for an ordinary runtime", (t) => {
  t.is(kindOf(makeKernel({ multiboot: false, interpreter: true, address: 0x400000 })), "program");
  t.is(kindOf(makeKernel({ multiboot: false, address: 0x400000 })), "program");
  t.is(kindOf(Buffer.from("#!/bin/sh\necho hi\n")), "program");
  const foreign = makeKernel({ multiboot: false, address: 0x400000 });
  t.is(kindOf(patched(foreign, { 18: [0xb7, 0] })), "program", "another processor");
  t.is(kindOf(patched(foreign, { 4: [1] })), "program", "32-bit");
  t.is(kindOf(patched(foreign, { 5: [2] })), "program", "big-endian");
});

test("of an ordinary program only the beginning is read", (t) => {
  const program = fileOf(
    Buffer.concat([makeKernel({ multiboot: false, address: 0x400000 }), Buffer.alloc(1 << 20)]),
  );
  t.is(classify(program).kind, "program");
  t.true(program.fetched.bytes <= 8192);
});

test("this system's own shell is a program", (t) => {
  const fd = openSync("/bin/sh", "r");
  const size = fstatSync(fd).size;
  const found = classify({
    path: "/bin/sh",
    size,
    read(offset, length) {
      const buffer = Buffer.alloc(Math.min(length, size - offset));
      return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, offset));
    },
  });
  closeSync(fd);
  t.true(existsSync("/bin/sh"));
  t.is(found.kind, "program");
});

test("a text without #! is no kernel, and a program only where the host has one registered for it", (t) => {
  t.is(kindOf(Buffer.from("hello")), "unknown");
});

test("what can be neither booted nor run says why", (t) => {
  const kernel = makeKernel();
  t.regex(whyBroken(Buffer.alloc(0)), /is empty/);
  t.regex(whyBroken(kernel.subarray(0, 40)), /truncated: it ends within its ELF header, after 40 bytes/);
  t.regex(whyBroken(kernel.subarray(0, 90)), /truncated or damaged: its program headers/);
  t.regex(whyBroken(kernel.subarray(0, 0x2000)), /truncated: it has 8192 bytes, and its program takes 12288/);
  t.regex(whyBroken(patched(kernel, { 4: [1] })), /multiboot header.*marks of none of the families/);
  t.regex(whyBroken(patched(kernel, { 18: [0xb7, 0] })), /of the family rumprun, but not made for x86-64/);
  t.regex(whyBroken(patched(kernel, { 16: [1, 0] })), /object file or a core dump/);
  t.regex(whyBroken(makeKernel({ text: "something else" })), /has the marks of none of the families/);
  t.regex(whyBroken(makeKernel({ multiboot: false })), /rumprun, but it has no multiboot header/);
  t.regex(whyBroken(makeKernel({ flags: 3 })), /no load addresses/);
  t.regex(whyBroken(makeKernel({ flags: 0x10001 })), /flags are 0x10001/);
});

test("no cut or flipped byte of a kernel's headers crashes the reader", (t) => {
  const kernel = makeKernel();
  for (let end = 0; end < 400; end += 3) t.notThrows(() => classify(fileOf(kernel.subarray(0, end))));
  const headers = [
    ...Array(176).keys(),
    ...Array.from({ length: 40 }, (_, i) => 0x1000 + i),
    ...Array.from({ length: 320 }, (_, i) => 0x3000 + i),
  ];
  for (const at of headers) {
    for (const value of [0, 0x7f, 0xff])
      t.notThrows(() => classify(fileOf(patched(kernel, { [at]: [value] }))), `${at}`);
  }
});

test("a family that does not exist is refused by name", (t) => {
  t.is(familyNamed("rumprun").name, "rumprun");
  t.throws(() => familyNamed("plan9"), { message: /no unikernel family "plan9".*rumprun/ });
});
