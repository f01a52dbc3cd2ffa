/**
 * What native/entry/quick.c reads of a container's record, so that `state`, `kill` and `delete` need no JavaScript. Lines: the pid of
 * its init; when that started; the file that thaws its cgroup; what is written there; the file that says whether it is frozen; the
 * line that says so; what `state` prints before the pid, and what after the status, each in one line; the folders of its cgroup, but
 * only where these and the record are all that is left of it when it is dead; and "end", which says that the file is whole.
 */
import { statusOrNull, writeText } from "../../../native/files.ts";
import { freezerOf } from "../cgroup/processes.ts";
import type { Container } from "./container.ts";
import { reportOf } from "./report.ts";

/** In the container's folder. */
const FILE = "brief";

/** Bytes, less than quick.c has room for. */
const MOST = 60_000;

/** Leaves it out where a path does not go into a line, or an annotation is as long as few are: it is not needed. */
export function writeBrief(folder: string, container: Container): void {
  const { pid, startTime, cgroup } = container;
  const freezer = freezerOf(cgroup);
  const folders = Object.values(cgroup);
  if (pid === 0 || !freezer || folders.some((each) => each.includes("\n"))) return;
  const lines = [
    pid,
    startTime,
    `${freezer.folder}/${freezer.file}`,
    freezer.thaw,
    `${freezer.folder}/${freezer.report}`,
    freezer.frozen,
    ...reportParts(container),
    ...(leavesOnlyCgroup(container) ? folders : []),
    "end",
  ];
  const text = `${lines.join("\n")}\n`;
  if (Buffer.byteLength(text) < MOST) writeText(`${folder}/${FILE}`, text);
}

/** JSON has no control characters in its strings, so one can stand for the ends of its lines. */
function reportParts(container: Container): [string, string] {
  const text = JSON.stringify(reportOf(container, "created"), null, 2);
  const [before = "", after = ""] = text.split(`${container.pid},\n  "status": "created`, 2);
  return [before.replaceAll("\n", "\x01"), after.replaceAll("\n", "\x01")];
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
