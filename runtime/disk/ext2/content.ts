/** Finds the blocks of an inode's content. */
import { readInto } from "../../../native/files.ts";
import type { Run } from "./blocks.ts";
import { damaged, type Image, within } from "./image.ts";
import type { Ext2Node } from "./inodes.ts";
import { DIRECT_BLOCKS } from "./layout.ts";

/**
 * Finds each block once at the most: blocks that stand in many places could make a small image fill a host's disk, or keep
 * us busy for ever.
 */
export class Contents {
  readonly #image: Image;
  readonly #taken: Uint8Array;
  /** Inodes that have taken theirs. */
  readonly #known = new Set<number>();

  constructor(image: Image) {
    this.#image = image;
    this.#taken = new Uint8Array(Math.ceil(image.blocks / 8));
  }

  /** The runs of blocks up to an inode's size, in order; between them are holes. */
  runsOf({ inode, numbers, size }: Ext2Node): Run[] {
    const first = !this.#known.has(inode);
    const perBlock = this.#image.blockSize / 4;
    const end = Math.ceil(size / this.#image.blockSize);
    const runs: Run[] = [];
    let last: { logical: number; block: number; count: number } | undefined;
    const add = (logical: number, block: number): void => {
      if (last && last.logical + last.count === logical && last.block + last.count === block) last.count++;
      else {
        last = { logical, block, count: 1 };
        runs.push(last);
      }
    };
    const walk = (number: number, logical: number, covered: number): void => {
      if (number === 0 || logical >= end) return;
      this.#take(number, inode, first);
      if (covered === 1) {
        add(logical, number);
        return;
      }
      const block = this.#read(number);
      const each = covered / perBlock;
      for (let index = 0; index < perBlock && logical + index * each < end; index++)
        walk(block.readUInt32LE(index * 4), logical + index * each, each);
    };
    for (let index = 0; index < DIRECT_BLOCKS; index++) walk(numbers.readUInt32LE(index * 4), index, 1);
    let logical = DIRECT_BLOCKS;
    for (let depth = 1; depth <= 3; depth++) {
      walk(numbers.readUInt32LE((DIRECT_BLOCKS + depth - 1) * 4), logical, perBlock ** depth);
      logical += perBlock ** depth;
    }
    this.#known.add(inode);
    return runs;
  }

  #read(number: number): Buffer {
    const { fd, blockSize } = this.#image;
    const block = Buffer.alloc(blockSize);
    readInto(fd, block, number * blockSize);
    return block;
  }

  #take(number: number, inode: number, first: boolean): void {
    within(number, 1, this.#image.blocks - 1, `a block of inode ${inode}`);
    if (!first) return;
    const byte = this.#taken[number >> 3] ?? 0;
    const bit = 1 << (number & 7);
    if ((byte & bit) !== 0) throw damaged(`block ${number} is in two places, one of them inode ${inode}`);
    this.#taken[number >> 3] = byte | bit;
  }
}
