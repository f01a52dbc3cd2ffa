/** Regular files and folders, among what may be anything: images and folders of others have pipes and devices, too. */
import { openAt2, readAt, statusOfFile } from "./files.ts";
import { O_PATH, O_RDONLY, openPath, owned, systemError } from "./libc.ts";

/**
 * A regular file or folder that is open by O_PATH, opened for reading; ENXIO for anything else, which is never opened, since that alone
 * may hang, or do something to a device.
 */
export function openFound(fd: number): number {
  const { isFile, isFolder } = statusOfFile(fd);
  if (!isFile && !isFolder) throw systemError(ENXIO, "it is no regular file");
  return openPath(`/proc/self/fd/${fd}`, O_RDONLY);
}

const [ENXIO, EISDIR, EFBIG] = [6, 21, 27];

/**
 * Opens a regular file or folder for reading with its path looked up inside `root` only: no link or `..` of an image leads out of it
 * (openat2 with RESOLVE_IN_ROOT).
 */
export function openInRoot(root: string, path: string): number {
  const RESOLVE_NO_MAGICLINKS = 0x02n;
  const RESOLVE_IN_ROOT = 0x10n;
  using folder = owned(openPath(root, O_PATH));
  using found = owned(openAt2(folder.fd, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
  return openFound(found.fd);
}

/** The text of a regular file of at most so many bytes. Others are not opened: a pipe may never end, and to open a device does something. */
export function readSmallText(path: string, most: number): string {
  using found = owned(openPath(path, O_PATH));
  using file = owned(openFound(found.fd));
  const { isFile, size } = statusOfFile(file.fd);
  if (!isFile) throw systemError(EISDIR, "it is a folder");
  if (size > most) throw systemError(EFBIG, `it has ${size} bytes, and ${most} are read at most`);
  return readAt(file.fd, 0, size).toString();
}
