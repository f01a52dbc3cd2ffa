import { statusOrNull } from "../../../native/files.ts";
import { inform, toldBy, warn } from "../../log.ts";
import type { GuestMount } from "../bundle/mounts.ts";
import type { Container } from "../record/container.ts";

/**
 * Brings what a container's guest wrote back into the folders of its volumes, and returns when that is done. A process of its own
 * does it, which goes on where an engine has no more patience with us (Docker's is 2 s).
 */
export async function bringVolumesBack(container: Container): Promise<void> {
  const { guest, id } = container;
  const written = guest.mounts.filter(({ source, readOnly }) => source !== undefined && !readOnly);
  if (written.length === 0) return;
  const { identityOf } = await import("../../disk/volume-folder.ts");
  const { hasPending } = await import("../../disk/volume-record.ts");
  const folderOf = ({ held, source = "" }: GuestMount): string | undefined => {
    if (held) return held.folder;
    const status = statusOrNull(source);
    return status?.isFolder ? identityOf(status) : undefined;
  };
  const isPending = (mount: GuestMount): boolean => {
    const folder = folderOf(mount);
    return folder !== undefined && hasPending(guest.store, folder);
  };
  const pending = written.filter(isPending);
  if (pending.length === 0) return;
  const child = Bun.spawn({
    cmd: [
      process.execPath,
      "volumes",
      "--store",
      guest.store,
      ...pending.map(({ held, source = "" }) => held?.home ?? source),
    ],
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const words: string[] = [];
  for await (const line of linesOf(child.stderr)) {
    const progress = toldBy(line);
    if (progress === undefined) words.push(line);
    else inform(`Container ${id}: ${progress}`);
  }
  if ((await child.exited) !== 0) await warn(`Container ${id}: ${words.join("\n").trim()}`);
  else if (pending.some(isPending)) {
    const names = pending.filter(isPending).map(({ source }) => source);
    await warn(
      `Container ${id}: what its guest wrote is not in ${names.join(", ")}, which is gone or has another place now: its disk is kept in ${guest.store}/volumes; call unikrun volumes with the folder's path.`,
    );
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
  if (text !== "") yield text;
}
