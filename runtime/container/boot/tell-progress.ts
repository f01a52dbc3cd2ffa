/** Who waits for a start sees how far its disks are: by a bar on a terminal, else in the log, and in the container's. */
import { sendRemark } from "../../../native/channel.ts";
import { isTerminal } from "../../../native/process.ts";
import { inform } from "../../log.ts";
import { linesTo, showProgressBy } from "../../progress.ts";
import { type Container, containerFolder } from "../record/container.ts";

export async function tellProgress(root: string, { id }: Container): Promise<void> {
  if (isTerminal(2)) return (await import("../../progress-bar.ts")).showBar();
  const say = (words: string): void => {
    inform(`Container ${id}: ${words}`);
    sendRemark(containerFolder(root, id), words);
  };
  showProgressBy(linesTo(say));
}
