/** No damage to a file's headers crashes or hangs whoever asks what it is. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "ava";
import { UnikrunError } from "../../runtime/error.ts";
import { inspect } from "../../runtime/guest/inspect.ts";
import { fileOf } from "./kernels.ts";

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

const SEEDS = ["probe.bin", "solo5.bin", "solo5-devices.bin"];

for (const name of SEEDS) {
  test(`${name}, damaged in 2,000 ways, is told in a sentence or as what it still is`, (t) => {
    const bytes = readFileSync(`${guests}/${name}`);
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
    t.true(kinds.has("guest") && kinds.has("broken"), [...kinds].join());
  });
}
