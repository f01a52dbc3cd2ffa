/**
 * The files and folders that a container is given, held from `create` on: engines name some by a mount that is gone before the guest
 * starts (Podman's subpath), or while it runs (Docker's). Its init holds each as a mount of its own (open_tree(2)), for it is the only
 * process that lives as long as the container, and a mount keeps nobody from unmounting what it was made of. After init's end the
 * folder is looked for by a path that lasts, and known by what it is.
 */
import { agreed } from "../../../native/directives.ts";
import { statusOfFile } from "../../../native/files.ts";
import { O_PATH, openPath, owned } from "../../../native/libc.ts";
import { lastingPath, openDetached } from "../../../native/mounts.ts";
import { openOverlay } from "../../../native/overlay.ts";
import { identityOf } from "../../disk/volume-folder.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { GuestMount } from "./mounts.ts";

/** Beside them init holds its machine's place (own-place.ts). */
const MOST_SOURCES = agreed.MOST_HELD - 1;

export interface Held extends Disposable {
  readonly mounts: readonly GuestMount[];
  /** For init, in its order. */
  readonly descriptors: readonly number[];
}

/** What can't be held is left to `start`, which says why. Throws UnikrunError for an overlay that can't be made. */
export function holdSources(id: string, mounts: readonly GuestMount[]): Held {
  using opened = new DisposableStack();
  const descriptors: number[] = [];
  const held = mounts.map((mount): GuestMount => {
    const { source, layers, readOnly, alone = false } = mount;
    if (source === undefined || descriptors.length === MOST_SOURCES) return mount;
    const found = layers
      ? lay(id, mount.destination, layers)
      : open({ source, recursive: !alone, isWritten: !readOnly });
    if (!found) return mount;
    const { descriptor, ...known } = found;
    descriptors.push(opened.use(descriptor).fd);
    return { ...mount, held: { descriptor: agreed.FIRST_HELD + descriptors.length - 1, ...known } };
  });
  const all = opened.move();
  return { mounts: held, descriptors, [Symbol.dispose]: () => all.dispose() };
}

function lay(id: string, destination: string, layers: readonly string[]) {
  try {
    return { descriptor: openOverlay(layers) };
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id}: its overlay ${destination} of ${layers.join(", ")} can't be made (${reasonOf(cause)}).`,
      { cause },
    );
  }
}

/** Null for what is neither a file nor a folder, or can't be opened. */
function open({ source, recursive, isWritten }: { source: string; recursive: boolean; isWritten: boolean }) {
  try {
    using path = owned(openPath(source, O_PATH));
    const status = statusOfFile(path.fd);
    if (!status.isFolder && !status.isFile) return null;
    return {
      ...(status.isFolder && isWritten ? { folder: identityOf(status), home: lastingPath(path.fd) } : {}),
      descriptor: openDetached(`/proc/self/fd/${path.fd}`, { recursive }),
    };
  } catch {
    return null;
  }
}
