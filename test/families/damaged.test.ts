/** No damage to a file's headers crashes or hangs whoever asks what it is. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "ava";
import { UnikrunError } from "../../runtime/error.ts";
import { inspect } from "../../runtime/guest/inspect.ts";
import { makeBootDisk } from "../conformance/boot-disk.ts";
import { fileOf } from "./kernels.ts";
import { asQcow2 } from "./qcow2.ts";

const guests = resolve(import.meta.dirname, "../../build/guest");

/** Deterministic, so that what failed once fails again (xorshift). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const VALUES = [0, 1, 0x7f, 0x80, 0xff];

/** A few bytes of its first 9 KiB, where all headers are, and now and then its end. */
function damaged(bytes: Buffer, next: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = 1 + next(8); count > 0; count--)
    copy[next(Math.min(copy.length, 9216))] = VALUES[next(VALUES.length)] ?? 0;
  return next(4) === 0 ? copy.subarray(0, next(copy.length)) : copy;
}

const read = (name: string): Buffer => readFileSync(`${guests}/${name}`);
const disk = makeBootDisk({ does: { code: 0 } }).subarray(0, 1 << 17);

const SEEDS: Readonly<Record<string, Buffer>> = {
  "probe.bin": read("probe.bin"),
  "solo5.bin": read("solo5.bin"),
  "solo5-devices.bin": read("solo5-devices.bin"),
  "bzimage.bin": read("bzimage.bin"),
  "pvh.bin": read("pvh.bin"),
  "osv.bin": read("osv.bin"),
  "a raw disk": disk,
  "a qcow2 disk": asQcow2(disk, { clusterBits: 9 }),
  "a compressed qcow2 disk": asQcow2(disk, { clusterBits: 9, isCompressed: true }),
};

for (const [name, bytes] of Object.entries(SEEDS)) {
  test(`${name}, damaged in 2,000 ways, is told in a sentence or as what it still is`, (t) => {
    const next = numbers(0x5eed + name.length);
    const kinds = new Set<string>();
    for (let round = 0; round < 2000; round++) {
      const file = damaged(bytes, next);
      try {
        kinds.add(inspect(fileOf(file)).kind);
      } catch (error) {
        t.true(error instanceof UnikrunError, `round ${round}: ${error}`);
      }
    }
    t.true(kinds.has("guest") && kinds.size > 1, [...kinds].join());
  });
}
