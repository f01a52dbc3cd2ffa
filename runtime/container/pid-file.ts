import { writeText } from "../../native/files.ts";
import { reasonOf, UnikrunError } from "../error.ts";

/** For whoever called with --pid-file. */
export function writePidFile(id: string, path: string, pid: number): void {
  try {
    writeText(path, String(pid), 0o644);
  } catch (cause) {
    throw new UnikrunError(`Container ${id}: the pid file ${path} can't be written (${reasonOf(cause)}).`, {
      cause,
    });
  }
}
