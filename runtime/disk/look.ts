import { cString, errorCode } from "../../native/libc.ts";
import { nameOf } from "../../native/names.ts";
import { FileStatus, folderRecords, namesIn } from "../../native/tree-files.ts";
import type { Kind } from "./ext2/layout.ts";

/** What stands in a folder of the host under a name. */
export interface Seen {
  readonly kind: Kind;
  /** Nanoseconds after 1970: of the last modification, and of the last change of anything. */
  readonly modified: bigint;
  readonly changed: bigint;
  readonly uid: number;
  readonly gid: number;
}

const status = new FileStatus();

/** Null where there is nothing; a link is seen itself. */
export function seeIn(folder: number, name: string): Seen | null {
  try {
    status.readAt(folder, cString(name), 0);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
  const { kind, modified, changed, uid, gid } = status;
  return { kind, modified, changed, uid, gid };
}

/** The names in a folder. */
export const namesOf = (folder: number): string[] =>
  [...namesIn(folderRecords(folder))].map(({ bytes }) => nameOf(bytes));
