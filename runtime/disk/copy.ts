import { copyRange } from "../../native/tree-files.ts";
import { advance } from "../progress.ts";

/** What a slow source has in a second or two; too small for the number of calls to count. */
const PIECE = 8 << 20;

/** As copyRange, and says how far it is. */
export function copyTold(
  from: number,
  fromOffset: number,
  to: number,
  toOffset: number,
  length: number,
): number {
  for (let done = 0; done < length; ) {
    const wanted = Math.min(PIECE, length - done);
    const count = copyRange(from, fromOffset + done, to, toOffset + done, wanted);
    advance(count);
    done += count;
    if (count < wanted) return done;
  }
  return length;
}
