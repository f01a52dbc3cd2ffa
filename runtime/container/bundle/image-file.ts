import { readAt, type Status, statusOfFile } from "../../../native/files.ts";
import { errorCode, owned } from "../../../native/libc.ts";
import { openInRoot } from "../../../native/regular-file.ts";
import { UnikrunError } from "../../error.ts";
import type { KernelFile } from "../../guest/file/kernel-file.ts";

/** An open file of an image, looked up inside the image only. */
export interface ImageFile extends KernelFile, Disposable {
  /** Another one's, and its own when it has changed, differs. */
  readonly identity: string;
}

/** Null where it is not there, or is no regular file. */
export function openImageFile(rootfs: string, path: string): ImageFile | null {
  let fd: number;
  try {
    fd = openInRoot(rootfs, path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENXIO", "ENAMETOOLONG"].includes(errorCode(error)))
      return null;
    throw error;
  }
  const descriptor = owned(fd);
  const status = statusOfFile(fd);
  const { isFile, size, inode, modified } = status;
  if (!isFile) {
    descriptor[Symbol.dispose]();
    return null;
  }
  return {
    path,
    size,
    identity: `${inode} ${size} ${modified}`,
    read: (offset, length) => readAt(fd, offset, Math.max(0, Math.min(length, size - offset))),
    fingerprint: () => fingerprintOf(status),
    [Symbol.dispose]: () => descriptor[Symbol.dispose](),
  };
}

/** Seconds in which a file may be changed twice with the same times, on any file system. */
const COARSEST_CLOCK = 2;

function fingerprintOf({ device, inode, size, modified, changed }: Status): string | null {
  const age = Date.now() / 1e3 - Number(changed) / 1e9;
  return age < COARSEST_CLOCK ? null : [device, inode, size, modified, changed].join(" ");
}

/** The text of a small file of the image; null where there is none. */
export function readImageText(rootfs: string, path: string): string | null {
  const LIMIT = 1 << 20;
  using file = openImageFile(rootfs, path);
  if (!file) return null;
  if (file.size > LIMIT)
    throw new UnikrunError(`The image's ${path} is larger than 1 MiB, which no settings file is.`);
  return file.read(0, file.size).toString();
}

/** Where a program's name leads in the image: as is if it has a slash (against cwd), else along PATH. */
export function candidatePaths(name: string, process: { cwd: string; env: readonly string[] }): string[] {
  if (name.startsWith("/")) return [name];
  if (name.includes("/")) return [`${process.cwd}/${name}`];
  const DEFAULT = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const path = process.env.findLast((variable) => variable.startsWith("PATH="))?.slice(5) || DEFAULT;
  return [...path.split(":").map((folder) => `${folder || process.cwd}/${name}`), `${process.cwd}/${name}`];
}
