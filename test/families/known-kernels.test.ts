import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import type { KernelFile } from "../../runtime/guest/file/kernel-file.ts";
import { SINGLE_NETWORK } from "../../runtime/guest/rumprun/config.ts";
import { kernelTraits } from "../../runtime/guest/rumprun/kernel.ts";
import { fileOf, makeKernel } from "./kernels.ts";

const OLD = makeKernel({ text: 'currently only 1 "net" configuration is supported' });
const NEW = makeKernel({ text: "of today" });

const kernel = (bytes: Buffer, fingerprint: string | null) => ({
  ...fileOf(bytes),
  fingerprint: () => fingerprint,
});

/** The file of a host whose folder for it is not there yet. */
function knownFile(t: ExecutionContext): string {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-known-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  return `${folder}/host/kernels.json`;
}

const isOld = (file: KernelFile, known: string): boolean =>
  kernelTraits(file, known).knows.has(SINGLE_NETWORK);

test("a second container with the same kernel reads no more of it than its headers", (t) => {
  const known = knownFile(t);
  const [first, second] = [kernel(OLD, "a"), kernel(OLD, "a")];
  t.true(isOld(first, known));
  t.true(isOld(second, known));
  t.true(first.fetched.bytes > OLD.length / 2);
  t.true(second.fetched.bytes < 1024);
});

test("a kernel that was changed, or is another container's, is searched anew", (t) => {
  const known = knownFile(t);
  t.true(isOld(kernel(OLD, "a"), known));
  t.false(isOld(kernel(NEW, "b"), known));
  t.true(isOld(kernel(OLD, "a"), known));
});

test("a kernel that was changed a moment ago is neither looked up nor remembered", (t) => {
  const known = knownFile(t);
  t.true(isOld(kernel(OLD, null), known));
  t.false(isOld(kernel(NEW, null), known));
  t.false(existsSync(known));
});

const DAMAGES = [
  "",
  "{",
  "null",
  "[]",
  '"kernels"',
  '{"version":1,"kernels":null}',
  '{"version":1,"kernels":{"a":null}}',
  '{"version":2,"kernels":{"a":{"files":"x","singleNetwork":true,"proxy":true}}}',
  '{"version":1,"kernels":{"a":{"files":null}}}',
  '{"version":0,"kernels":{"a":{"files":null,"singleNetwork":true}}}',
];

for (const damage of DAMAGES) {
  test(`what is remembered is ignored, and made anew, where it is ${damage || "empty"}`, (t) => {
    const known = knownFile(t);
    isOld(kernel(OLD, "other"), known);
    writeFileSync(known, damage);
    t.false(isOld(kernel(NEW, "a"), known));
    const again = kernel(NEW, "a");
    t.false(isOld(again, known));
    t.true(again.fetched.bytes < 1024);
  });
}

test("an address that leads nowhere finds no files", (t) => {
  const known = knownFile(t);
  isOld(kernel(OLD, "other"), known);
  for (const files of [-1, 2 ** 52, 0x100001]) {
    writeFileSync(
      known,
      JSON.stringify({ version: 2, kernels: { a: { files, singleNetwork: false, proxy: false } } }),
    );
    t.is(kernelTraits(kernel(NEW, "a"), known).files.size, 0);
  }
});

test("64 kernels are remembered, by nobody but root, in one file", (t) => {
  const known = knownFile(t);
  for (let i = 0; i < 70; i++) isOld(kernel(NEW, `kernel ${i}`), known);
  const { kernels } = JSON.parse(readFileSync(known, "utf8"));
  t.deepEqual(
    Object.keys(kernels),
    Array.from({ length: 64 }, (_, i) => `kernel ${i + 6}`),
  );
  t.is(statSync(known).mode & 0o777, 0o600);
  t.is(statSync(known.replace(/\/kernels.json$/, "")).mode & 0o777, 0o700);
  t.deepEqual(readdirSync(known.replace(/\/kernels.json$/, "")), ["kernels.json"]);
});
