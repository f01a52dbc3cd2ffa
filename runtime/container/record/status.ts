/** What a container is at the moment, and what may be done with it then. */
import { agreed } from "../../../native/directives.ts";
import { exists } from "../../../native/files.ts";
import { isFrozen } from "../cgroup/processes.ts";
import { isAlive } from "./alive.ts";
import { type Container, containerFolder } from "./container.ts";

export type Status = "created" | "running" | "paused" | "stopped";

export function statusOf(root: string, container: Container): Status {
  if (!isAlive(container)) return "stopped";
  if (exists(`${containerFolder(root, container.id)}/${agreed.START_SOCKET}`)) return "created";
  return isFrozen(container.cgroup) || exists(stillMark(root, container)) ? "paused" : "running";
}

/**
 * A file that stands as long as a paused container's cgroup is thawed, so that its VMM can do something, and longer where whoever thawed it
 * was killed: the guest still stands (native/entry/quick.c looks for it, too).
 */
export const stillMark = (root: string, { id }: Container): string => `${containerFolder(root, id)}/still`;

export const canStart = (status: Status): boolean => status === "created";
export const canPause = (status: Status): boolean => status === "running";
export const canResume = (status: Status): boolean => status === "paused";
export const canExecute = (status: Status): status is "running" => status === "running";
/** Its guest has begun, and has not ended. */
export const canCheckpoint = (status: Status): boolean => status === "running" || status === "paused";
/** Without force. */
export const canDelete = (status: Status): boolean => status === "created" || status === "stopped";
export const hasEnded = (status: Status): boolean => status === "stopped";
export const canUpdate = (status: Status): boolean => !hasEnded(status);
/** A frozen VMM answers nobody, and one that has no guest yet is init's. */
export const canAskMachine = (status: Status): boolean => status === "running";

/** 0 where there is none any more. */
export const pidOf = ({ pid }: Container, status: Status): number => (hasEnded(status) ? 0 : pid);

/** The state that hooks and `state` get (runtime.md, State). A stopped container has no pid. */
export function stateDocument(container: Container, status: Status) {
  const pid = pidOf(container, status);
  return {
    ociVersion: container.ociVersion,
    id: container.id,
    status,
    ...(pid === 0 ? {} : { pid }),
    bundle: container.bundle,
    annotations: container.annotations,
  };
}
