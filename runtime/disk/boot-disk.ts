/** The disk that a machine boots from: a file of its container's image, which stays as it is, and what its guest writes. */

import { unpackSparse } from "../../native/copy.ts";
import { makeFolders, removeFile, statusOfFile } from "../../native/files.ts";
import { type Descriptor, O_CREAT, O_RDWR, O_TRUNC, openPath, owned } from "../../native/libc.ts";
import { openInRoot } from "../../native/regular-file.ts";
import { writeAt } from "../../native/tree-files.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import type { OpenDisk } from "./open.ts";
import { isQcow2, LARGEST_OVERLAY, overlayHead, refuseReferences, sizeInQcow2 } from "./qcow2.ts";

export interface BootDiskOptions {
  readonly containerId: string;
  /** What paths are in: the image, or the host. */
  readonly root: string;
  readonly path: string;
  /** Where what the guest writes is, in a file without a name. */
  readonly store: string;
}

export type BootDisk = OpenDisk & Required<Pick<OpenDisk, "base">> & Disposable;

/** `saved`: what packSparse made of what a guest wrote. Throws UnikrunError for what is no disk, and where there is no room. */
export function openBootDisk(options: BootDiskOptions, saved?: Descriptor): BootDisk {
  const { containerId, root, path, store } = options;
  using opened = new DisposableStack();
  try {
    const image = opened.use(owned(openInRoot(root, path)));
    const format = isQcow2(image.fd) ? "qcow2" : "raw";
    if (format === "qcow2") refuseReferences(containerId, path, image.fd);
    const bytes = format === "qcow2" ? sizeInQcow2(image.fd) : statusOfFile(image.fd).size;
    if (bytes > LARGEST_OVERLAY)
      throw new UnikrunError(
        `Container ${containerId}: its disk ${path} says that it has ${bytes} bytes, and ${LARGEST_OVERLAY} are the most: make it smaller.`,
      );
    const overlay = opened.use(openNameless(store));
    if (saved) unpackSparse(saved.fd, overlay.fd);
    else writeAt(overlay.fd, overlayHead(bytes), 0);
    // Whoever made a checkpoint may have named files of the host in it.
    refuseReferences(containerId, path, overlay.fd);
    const all = opened.move();
    return {
      fd: overlay.fd,
      readOnly: false,
      format: "qcow2",
      isDevice: false,
      kind: "boot",
      base: { fd: image.fd, format },
      [Symbol.dispose]: () => all.dispose(),
    };
  } catch (cause) {
    if (cause instanceof UnikrunError) throw cause;
    throw new UnikrunError(
      `Container ${containerId}: its disk ${path} can't be given to its guest (${reasonOf(cause)}): see whether it is there, and ${store} can be written and has room.`,
      { cause },
    );
  }
}

/** Gone with the last of its descriptors. */
function openNameless(store: string): Descriptor {
  const folder = `${store}/copies`;
  makeFolders(folder, 0o700);
  const path = `${folder}/${process.pid}-boot`;
  using undo = new DisposableStack();
  const file = undo.use(owned(openPath(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)));
  removeFile(path);
  undo.move();
  return file;
}
