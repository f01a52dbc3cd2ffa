/** Who waits for a start sees how far its disks are: by a bar on a terminal, else in the log, and in the container's. */
import { writeAll } from "../../../native/files.ts";
import { O_APPEND, O_NOCTTY, O_NONBLOCK, O_WRONLY, openPath, owned } from "../../../native/libc.ts";
import { isTerminal } from "../../../native/process.ts";
import { inform } from "../../log.ts";
import { linesTo, showProgressBy } from "../../progress.ts";
import type { Container } from "../record/container.ts";

export async function tellProgress({ id, pid }: Container): Promise<void> {
  if (isTerminal(2)) return (await import("../../progress-bar.ts")).showBar();
  const say = (words: string): void => {
    inform(`Container ${id}: ${words}`);
    tellContainer(pid, words);
  };
  showProgressBy(linesTo(say));
}

/** A line in the container's log, as its init writes them, which waits for its start meanwhile. Nobody is waited for that does not read it. */
function tellContainer(pid: number, words: string): void {
  try {
    using log = owned(openPath(`/proc/${pid}/fd/2`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY));
    writeAll(log.fd, Buffer.from(`unikrun: ${words}\n`));
  } catch {
    // It is no worse a start for that.
  }
}
