import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { openImageFile } from "../../../runtime/container/bundle/image-file.ts";

const fingerprintOf = (path: string): string | null => {
  using file = openImageFile("/", path);
  return file?.fingerprint?.() ?? null;
};

test("a file that was just changed has no fingerprint, whatever time of change was set on it", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-image-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const kernel = `${folder}/kernel`;
  writeFileSync(kernel, "a");
  utimesSync(kernel, 1, 1);
  t.is(fingerprintOf(kernel), null);
});

test("a file that is as it was has the same fingerprint, and one that took its place another", async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-image-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [kernel, other] = [`${folder}/kernel`, `${folder}/other`];
  for (const file of [kernel, other]) {
    writeFileSync(file, "the same");
    utimesSync(file, 1, 1);
  }
  await Bun.sleep(2100);
  const before = fingerprintOf(kernel);
  t.truthy(before);
  t.is(fingerprintOf(kernel), before);
  t.not(fingerprintOf(other), before);
  renameSync(other, kernel);
  t.not(fingerprintOf(kernel), before);
});
