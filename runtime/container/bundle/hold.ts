/**
 * The files and folders that a container is given, held from `create` on: engines name some by a mount that is gone before the guest
 * starts (Podman's subpath), or while it runs (Docker's). Its init holds each as a mount of its own (open_tree(2)), for it is the only
 * process that lives as long as the container, and a mount keeps nobody from unmounting what it was made of. After init's end the
 * folder is looked for by a path that lasts, and known by what it is.
 */
import { statusOfFile } from "../../../native/files.ts";
import { O_PATH, openPath, owned } from "../../../native/libc.ts";
import { lastingPath, openDetached } from "../../../native/mounts.ts";
import { identityOf } from "../../disk/volume-folder.ts";
import type { GuestMount } from "./mounts.ts";

/** init's number of the first (native/init/main.c). */
const FIRST = 200;
const MOST = 64;

export interface Held extends Disposable {
  readonly mounts: readonly GuestMount[];
  /** For init, in its order. */
  readonly descriptors: readonly number[];
}

/** What can't be held is left to `start`, which says why. */
export function holdSources(mounts: readonly GuestMount[]): Held {
  using opened = new DisposableStack();
  const descriptors: number[] = [];
  const held = mounts.map((mount): GuestMount => {
    const { source, readOnly, alone = false } = mount;
    if (source === undefined || descriptors.length === MOST) return mount;
    const found = open({ source, recursive: !alone, isWritten: !readOnly });
    if (!found) return mount;
    const { descriptor, ...known } = found;
    descriptors.push(opened.use(descriptor).fd);
    return { ...mount, held: { descriptor: FIRST + descriptors.length - 1, ...known } };
  });
  const all = opened.move();
  return { mounts: held, descriptors, [Symbol.dispose]: () => all.dispose() };
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
