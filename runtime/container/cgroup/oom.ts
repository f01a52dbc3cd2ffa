import type { Cgroup } from "./cgroup.ts";

/** Where the kernel counts what it killed for the cgroup's memory, as oom_kill; undefined where memory is not counted. */
export function oomFile({ version, folderOf }: Pick<Cgroup, "version" | "folderOf">): string | undefined {
  const folder = folderOf("memory");
  return folder && `${folder}/${version === 2 ? "memory.events" : "memory.oom_control"}`;
}
