import { copyRange } from "../../native/tree-files.ts";
import { writeOut } from "../../native/tree-writes.ts";
import { advance } from "../progress.ts";

/** What a slow source has in a second or two; too small for the number of calls to count. */
const PIECE = 8 << 20;

/**
 * Bytes of a large file that may be in memory only. With more what is told would be far ahead of the disk, and the sync at the end would
 * take long in silence; altogether it takes no longer so.
 */
const BEHIND = 8 * PIECE;

/** As copyRange, and says how far it is. */
export function copyTold(
  from: number,
  fromOffset: number,
  to: number,
  toOffset: number,
  length: number,
): number {
  const isLarge = length > PIECE;
  for (let done = 0; done < length; ) {
    const wanted = Math.min(PIECE, length - done);
    const count = copyRange(from, fromOffset + done, to, toOffset + done, wanted);
    if (isLarge) writeOut(to, toOffset + done, count, { wait: false });
    if (done >= BEHIND) writeOut(to, toOffset + done - BEHIND, PIECE, { wait: true });
    advance(count);
    done += count;
    if (count < wanted) return done;
  }
  return length;
}
