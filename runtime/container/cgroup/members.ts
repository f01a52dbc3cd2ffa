import { listFolders, readTextOrNull } from "../../../native/files.ts";
import { isAlive } from "../record/alive.ts";
import type { Container } from "../record/container.ts";
import { openCgroup } from "./cgroup.ts";
import { signalOne } from "./processes.ts";

type Members = Pick<Container, "cgroup" | "pid" | "startTime">;

export const hasCgroup = ({ cgroup }: Pick<Container, "cgroup">): boolean => Object.keys(cgroup).length > 0;

/** The processes of a container; where it has no cgroup, its init with those that this has started. */
export function pidsOf(container: Members): number[] {
  if (hasCgroup(container)) return openCgroup(container.cgroup).pids();
  if (!isAlive(container)) return [];
  const all = listFolders("/proc").filter((name) => /^\d+$/.test(name));
  return [container.pid, ...all.filter((name) => parentOf(name) === container.pid).map(Number)];
}

/** Sends a signal, by number, to all of them. */
export function killMembers(container: Members, signal: number): void {
  if (hasCgroup(container)) openCgroup(container.cgroup).kill(signal);
  else for (const pid of pidsOf(container)) signalOne(pid, signal);
}

/** proc_pid_stat(5): "PID (NAME) STATE PARENT …", and a name may have parentheses. As in a cgroup's list, what has ended is in none. */
function parentOf(pid: string): number {
  const text = readTextOrNull(`/proc/${pid}/stat`) ?? "";
  const [state, parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "Z" ? 0 : Number(parent);
}
