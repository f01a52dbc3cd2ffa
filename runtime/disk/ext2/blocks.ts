/** Gives blocks out in order, and writes the blocks with a file's block numbers. */
import { writeAt } from "../../../native/tree-files.ts";
import { BLOCK, blocksIn, type Geometry, groupStart, overheadOf } from "./geometry.ts";
import { DIRECT_BLOCKS } from "./layout.ts";

/** Blocks of a file that follow each other in the image, too. */
export interface Run {
  /** In the file, from 0. */
  readonly logical: number;
  /** In the image. */
  readonly block: number;
  readonly count: number;
}

const PER_BLOCK = BLOCK / 4;

export class Blocks {
  readonly #geometry: Geometry;
  #group = 0;
  /** Blocks of the group that are given out, its overhead among them. */
  #used: number;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
    this.#used = overheadOf(geometry, 0);
  }

  /** The next run of at most `count` blocks. The caller has made sure that there are enough. */
  take(count: number): { block: number; count: number } {
    while (this.#used >= blocksIn(this.#geometry, this.#group)) {
      if (++this.#group === this.#geometry.groups)
        throw new Error("an ext2 image has fewer blocks than planned");
      this.#used = overheadOf(this.#geometry, this.#group);
    }
    const taken = Math.min(count, blocksIn(this.#geometry, this.#group) - this.#used);
    const block = groupStart(this.#group) + this.#used;
    this.#used += taken;
    return { block, count: taken };
  }

  /** Blocks in use at the start of a group; the others are free. */
  usedIn(group: number): number {
    if (group === this.#group) return this.#used;
    return group < this.#group ? blocksIn(this.#geometry, group) : overheadOf(this.#geometry, group);
  }
}

/** Blocks for a part of a file. */
export function takeRuns(blocks: Blocks, logical: number, count: number): Run[] {
  const runs: Run[] = [];
  for (let done = 0; done < count; ) {
    const run = blocks.take(count - done);
    runs.push({ logical: logical + done, ...run });
    done += run.count;
  }
  return runs;
}

/** What an inode says of its content. */
export interface Mapping {
  /** 15 block numbers. */
  readonly numbers: readonly number[];
  /** All blocks, those with block numbers among them. */
  readonly count: number;
}

/** Writes what an inode's 15 numbers don't hold. `runs` are in the file's order. */
export function mapRuns(fd: number, blocks: Blocks, runs: readonly Run[]): Mapping {
  let count = runs.reduce((sum, run) => sum + run.count, 0);
  let cursor = 0;
  /** The block for a place in the file; 0 for a hole. Places are asked for in order. */
  const blockAt = (logical: number): number => {
    const run = runAt(logical);
    return run && run.logical <= logical ? run.block + logical - run.logical : 0;
  };
  /** The first run that ends behind a place. */
  const runAt = (logical: number): Run | undefined => {
    for (let run = runs[cursor]; run && run.logical + run.count <= logical; run = runs[cursor]) cursor++;
    return runs[cursor];
  };
  const numbersFrom = (logical: number, covered: number): number => {
    const run = runAt(logical);
    if (!run || run.logical >= logical + covered) return 0;
    if (covered === 1) return blockAt(logical);
    const each = covered / PER_BLOCK;
    const numbers = new Uint32Array(PER_BLOCK);
    for (let index = 0; index < PER_BLOCK; index++)
      numbers[index] = numbersFrom(logical + index * each, each);
    const { block } = blocks.take(1);
    count++;
    writeAt(fd, new Uint8Array(numbers.buffer), block * BLOCK);
    return block;
  };
  const numbers = Array.from({ length: DIRECT_BLOCKS }, (_, logical) => blockAt(logical));
  let logical = DIRECT_BLOCKS;
  for (let covered = PER_BLOCK; covered <= PER_BLOCK ** 3; covered *= PER_BLOCK) {
    numbers.push(numbersFrom(logical, covered));
    logical += covered;
  }
  return { numbers, count };
}
