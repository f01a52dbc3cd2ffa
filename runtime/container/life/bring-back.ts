import { statusOrNull } from "../../../native/files.ts";
import { warn } from "../../log.ts";
import type { Container } from "../record/container.ts";

/**
 * Brings what a container's guest wrote back into the folders of its volumes, and returns when that is done. A process of its own
 * does it, which goes on where an engine has no more patience with us (Docker's is 2 s).
 */
export async function bringVolumesBack(container: Container): Promise<void> {
  const { guest, id } = container;
  const folders = guest.mounts.flatMap(({ source, readOnly }) =>
    source !== undefined && !readOnly && statusOrNull(source)?.isFolder ? [source] : [],
  );
  if (folders.length === 0) return;
  const { hasPending } = await import("../../disk/volume-record.ts");
  const pending = folders.filter((folder) => hasPending(guest.store, folder));
  if (pending.length === 0) return;
  const child = Bun.spawn({
    cmd: [process.execPath, "volumes", "--store", guest.store, ...pending],
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const words = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) await warn(`Container ${id}: ${words.trim()}`);
}
