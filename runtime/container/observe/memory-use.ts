/** What of the host's memory a machine takes at the moment, by its VMM's /proc/PID/status (proc(5)). */
import { readTextOrNull } from "../../../native/files.ts";
import { pidsOf } from "../cgroup/members.ts";
import { boardOf, type Container } from "../record/container.ts";

/** Bytes. */
export interface MemoryUse {
  /** Of its guest, what that has touched; absent where the VMM's own can't be told from it. */
  readonly guest?: number;
  readonly vmm: number;
}

/** Null where there is no VMM. */
export function memoryUse(
  container: Pick<Container, "cgroup" | "pid" | "startTime" | "board">,
): MemoryUse | null {
  const uses = pidsOf(container)
    .filter((pid) => pid !== container.pid)
    .map((pid) => useOf(readTextOrNull(`/proc/${pid}/status`) ?? ""));
  // Beside the VMM there can be exec's tools, which are small.
  const [vmm] = uses.sort((a, b) => b.own + b.file + b.shared - (a.own + a.file + a.shared));
  if (!vmm) return null;
  // A guest's memory is a file of its cage's (machine/memory.ts), but a tender's own.
  const isTender = boardOf(container)?.tender !== undefined;
  return isTender ? { vmm: vmm.own + vmm.shared + vmm.file } : { guest: vmm.shared, vmm: vmm.own + vmm.file };
}

function useOf(status: string) {
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024;
  return { own: bytes("RssAnon"), file: bytes("RssFile"), shared: bytes("RssShmem") };
}
