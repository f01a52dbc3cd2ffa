import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import test from "ava";
import { writeAt } from "../../native/tree-files.ts";
import { cachedImage } from "../../runtime/disk/cache.ts";
import { temporaryFolder } from "./images.ts";

const MIB = 1 << 20;

function cacheIn(store: string, limit = 100 * MIB) {
  const written: string[] = [];
  const open = (key: string, text = key): string => {
    const write = (fd: number): void => {
      written.push(key);
      writeAt(fd, Buffer.from(text), 0);
    };
    using image = cachedImage({ store, key, limit, write });
    return readFileSync(`/proc/self/fd/${image.fd}`, "utf8");
  };
  return { open, written };
}

test("an image is made once", (t) => {
  const { open, written } = cacheIn(temporaryFolder(t));
  t.is(open("aa"), "aa");
  t.is(open("bb"), "bb");
  t.is(open("aa"), "aa");
  t.deepEqual(written, ["aa", "bb"]);
});

test("an image that could not be made is made by whoever comes next", (t) => {
  const store = temporaryFolder(t);
  const failing = (): void => {
    throw new Error("no");
  };
  t.throws(() => cachedImage({ store, key: "aa", limit: MIB, write: failing }), { message: "no" });
  t.is(cacheIn(store).open("aa"), "aa");
});

test("what was not used for longest goes, but never what was just made", (t) => {
  const store = temporaryFolder(t);
  const { open } = cacheIn(store, 2.5 * MIB);
  const big = "x".repeat(MIB);
  for (const [age, key] of ["old", "older"].entries()) {
    open(key, big);
    utimesSync(`${store}/images/${key}`, 1000 - age, 1000 - age);
  }
  open("new", big);
  t.deepEqual(readdirSync(`${store}/images`).sort(), ["new", "old"]);
  cacheIn(store, 1).open("newest", big);
  t.deepEqual(readdirSync(`${store}/images`), ["newest"]);
});

test("what a killed process left half made goes with the next image", (t) => {
  const store = temporaryFolder(t);
  const { open } = cacheIn(store);
  open("aa");
  writeFileSync(`${store}/images/cc.new`, "half");
  open("bb");
  t.false(existsSync(`${store}/images/cc.new`));
  t.is(open("cc"), "cc");
});
