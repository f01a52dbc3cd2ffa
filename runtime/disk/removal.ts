import { errorCode } from "../../native/libc.ts";
import { removeFileIn, removeFolderIn } from "../../native/tree-writes.ts";
import type { Descent } from "./descent.ts";
import { namesOf, type Seen, seeIn } from "./look.ts";

export interface Found {
  /** Of the folder that it is in. */
  readonly path: string;
  readonly name: string;
  readonly seen: Seen;
}

/** Removes an entry, and what is in it, as far as each of them may go. Returns how many went. */
export function removeEntry(descent: Descent, entry: Found, mayGo: (entry: Found) => boolean): number {
  let gone = 0;
  const doomed: (Found & { isEmptied?: boolean })[] = [entry];
  for (let next = doomed.pop(); next; next = doomed.pop()) {
    if (next.seen.kind !== "folder" || next.isEmptied) {
      if (!mayGo(next)) continue;
      using above = descent.open(next.path);
      if (removeOne(above.fd, next)) gone++;
      continue;
    }
    doomed.push({ ...next, isEmptied: true });
    const path = `${next.path}/${next.name}`;
    using open = descent.open(path);
    for (const name of namesOf(open.fd)) {
      const seen = seeIn(open.fd, name);
      if (seen) doomed.push({ path, name, seen });
    }
  }
  return gone;
}

/** False for a folder that something is in. */
function removeOne(folder: number, { name, seen }: Found): boolean {
  try {
    if (seen.kind === "folder") removeFolderIn(folder, name);
    else removeFileIn(folder, name);
    return true;
  } catch (error) {
    if (errorCode(error) !== "ENOTEMPTY") throw error;
    return false;
  }
}
