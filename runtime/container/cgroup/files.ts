/** The files of a cgroup: no file is ever made there, so each is opened as it is. */
import { readText, writeControl as writeFile } from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";

/** Throws what the kernel says: ENOENT where it has no such file, EINVAL where it refuses the value. */
export function writeControl(folder: string, file: string, value: string): void {
  writeFile(`${folder}/${file}`, value);
}

/** Without the last line's end; undefined where the file, or the cgroup, is not (or no longer) there. */
export function readControl(folder: string, file: string): string | undefined {
  try {
    return readText(`${folder}/${file}`).trimEnd();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** A cgroup may vanish between opening and reading. */
export const isGone = (error: unknown): boolean => ["ENOENT", "ENODEV"].includes(errorCode(error));
