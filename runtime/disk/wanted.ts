/** What of an image is to be on disks. */
import { listFolder, listFolders, statusOfFile } from "../../native/files.ts";
import { owned } from "../../native/libc.ts";
import { joinPaths } from "../../native/paths.ts";
import { openInRoot } from "../../native/regular-file.ts";
import { AS_FOLDER, folderRecords, namesIn, openBelow, openRoot } from "../../native/tree-files.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import type { WantedDisk } from "./choose.ts";

/** As an image's settings name them: a disk image, or a folder, whose place in the guest is the same unless it is said. */
export function namedDisks(
  containerId: string,
  rootfs: string,
  disks: readonly { readonly path: string; readonly mountpoint?: string }[],
): WantedDisk[] {
  return disks.map(({ path, mountpoint }) => {
    const isFolder = isFolderInImage(containerId, rootfs, path);
    const place = mountpoint ?? (isFolder ? path : undefined);
    return {
      path,
      kind: isFolder ? "folder" : "file",
      ...(place === undefined ? {} : { mountpoint: joinPaths(place) }),
    };
  });
}

function isFolderInImage(containerId: string, rootfs: string, path: string): boolean {
  const wrong = (why: string, cause?: unknown) =>
    new UnikrunError(`Container ${containerId}: the disk ${path} ${why}: see "disks" in its settings.`, {
      cause,
    });
  try {
    using entry = owned(openInRoot(rootfs, path));
    const { isFolder, isFile } = statusOfFile(entry.fd);
    if (isFolder || isFile) return isFolder;
  } catch (cause) {
    throw wrong(`is not in the image (${reasonOf(cause)})`, cause);
  }
  throw wrong("of the image is neither a folder nor a regular file");
}

/** Of an image whose settings name no disks: the top-level folders that are no part of an operating system, and not empty. */
export function usualDisks(rootfs: string, kernel: string): WantedDisk[] {
  const folders = listFolders(rootfs)
    .filter((name) => !SYSTEM.has(name))
    .filter((name) => listFolder(`${rootfs}/${name}`).some((entry) => `/${name}/${entry}` !== kernel))
    .map((name) => `/${name}`);
  return [...folders, ...(hasFiles(rootfs, SECRETS) ? [SECRETS] : [])]
    .sort()
    .map((path) => ({ path, kind: "folder", mountpoint: path }));
}

/** Compose copies secrets into a container that was created, and Linux programs look for them here. */
const SECRETS = "/run/secrets";

/** False where a link is on the way. */
function hasFiles(rootfs: string, path: string): boolean {
  try {
    using root = openRoot(rootfs);
    using folder = openBelow(root.fd, path, AS_FOLDER);
    return !namesIn(folderRecords(folder.fd)).next().done;
  } catch {
    return false;
  }
}

const SYSTEM = new Set(
  "bin boot dev lib lib32 lib64 libx32 libexec lost+found media mnt proc rescue root run sbin sys tmp usr".split(
    " ",
  ),
);
