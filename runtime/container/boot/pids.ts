/** The limit of a container's processes, which are its init and the VMM's threads. */
import { askMachine } from "../../../native/control.ts";
import { UnikrunError } from "../../error.ts";
import { diskWorkers, LEAST_PIDS, threadCommand } from "../../machine/threads.ts";
import { openCgroup } from "../cgroup/cgroup.ts";
import { readControl } from "../cgroup/files.ts";
import { type Container, containerFolder } from "../record/container.ts";

/** Throws UnikrunError for a limit below which no machine runs; 0 and less is no limit. */
export function refuseFewPids(id: string, limit: number | undefined): void {
  if (limit === undefined || limit <= 0 || limit >= LEAST_PIDS) return;
  throw new UnikrunError(
    `Container ${id}: its limit of ${limit} processes (linux.resources.pids.limit) is too small for its VMM, whose threads count: give it ${LEAST_PIDS} or more (docker run --pids-limit ${LEAST_PIDS}).`,
  );
}

/** As many threads for disks as the container's cgroup has room for now. */
export function allowedWorkers(container: Container): number {
  const folder = openCgroup(container.cgroup).folderOf("pids");
  const limit = Number(folder === undefined ? "max" : readControl(folder, "pids.max"));
  return diskWorkers(Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit);
}

/** Tells a running machine, whose cgroup's limit may have changed. */
export function fitWorkers(root: string, container: Container): void {
  try {
    askMachine(containerFolder(root, container.id), threadCommand(allowedWorkers(container)));
  } catch {
    // One that has just ended needs no threads, and one of an older unikrun can't be told.
  }
}
