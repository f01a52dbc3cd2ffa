/**
 * What native/entry/quick.c reads of a container's record, so that `kill` and `delete` need no JavaScript. Lines: the pid of its
 * init; when that started; the file that thaws its cgroup; what is written there; the folders of its cgroup, but only where these
 * and the record are all that is left of it when it is dead; and "end", which says that the file is whole.
 */
import { statusOrNull, writeText } from "../../native/files.ts";
import { thawing } from "./cgroup/processes.ts";
import type { Container } from "./state.ts";

/** In the container's folder. */
const FILE = "brief";

/** Leaves it out where a path does not go into a line: it is not needed. */
export function writeBrief(folder: string, container: Container): void {
  const { pid, startTime, cgroup } = container;
  const thaw = thawing(cgroup);
  const folders = Object.values(cgroup);
  if (pid === 0 || !thaw || folders.some((each) => each.includes("\n"))) return;
  const left = leavesOnlyCgroup(container) ? folders : [];
  const lines = [pid, startTime, `${thaw.folder}/${thaw.file}`, thaw.value, ...left, "end"];
  writeText(`${folder}/${FILE}`, `${lines.join("\n")}\n`);
}

/** No unit of systemd's, no redirects in a namespace that stays, no hook, and no volume to bring back (volumes.ts). */
function leavesOnlyCgroup({ scope, givenNetns, hooks, guest }: Container): boolean {
  return (
    scope === undefined &&
    givenNetns === undefined &&
    (hooks.poststop ?? []).length === 0 &&
    !guest.mounts.some(
      ({ source, readOnly }) => source !== undefined && !readOnly && statusOrNull(source)?.isFolder !== false,
    )
  );
}
