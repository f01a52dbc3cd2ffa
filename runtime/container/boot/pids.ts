/** The limit of a container's processes, which are its init and the VMM's threads. */
import { askMachine } from "../../../native/control.ts";
import { UnikrunError } from "../../error.ts";
import { diskWorkers, LEAST_PIDS, threadCommand } from "../../machine/threads.ts";
import { openCgroup } from "../cgroup/cgroup.ts";
import { readControl } from "../cgroup/files.ts";
import { type Container, containerFolder, type QemuRecord } from "../record/container.ts";

/** Throws UnikrunError for a limit below which no machine runs; 0 and less is no limit. */
export function refuseFewPids(id: string, limit: number | undefined): void {
  if (limit === undefined || limit <= 0 || limit >= LEAST_PIDS) return;
  throw new UnikrunError(
    `Container ${id}: its limit of ${limit} processes (linux.resources.pids.limit) is too small for its VMM, whose threads count: give it ${LEAST_PIDS} or more (docker run --pids-limit ${LEAST_PIDS}).`,
  );
}

/** As many threads for disks as such a limit has room for; 0 and less is no limit. */
export const limitedWorkers = (limit = 0): number =>
  diskWorkers(limit <= 0 ? Number.POSITIVE_INFINITY : limit);

/** As many as the container's cgroup has room for now. */
function allowedWorkers({ cgroup }: Container): number {
  const folder = openCgroup(cgroup).folderOf("pids");
  return limitedWorkers(Number(folder === undefined ? "max" : readControl(folder, "pids.max")) || 0);
}

/** The same, where the board was made with others: an engine may have changed the limit since. */
export function newWorkers(container: Container, board: Pick<QemuRecord, "workers">): number | undefined {
  const workers = allowedWorkers(container);
  return workers === board.workers ? undefined : workers;
}

/** Tells a running machine, whose cgroup's limit may have changed. */
export function fitWorkers(root: string, container: Container): void {
  try {
    askMachine(containerFolder(root, container.id), threadCommand(allowedWorkers(container)));
  } catch {
    // One that has just ended needs no threads, and one of an older unikrun can't be told.
  }
}
