/** Mounts: a part of the tree taken by itself (open_tree(2)), and where a file stands besides (mountinfo, proc(5)). */
import { dlopen } from "bun:ffi";
import {
  listFolder,
  readLink,
  readText,
  readTextOrNull,
  type Status,
  statusOfFile,
  statusOrNull,
} from "./files.ts";
import {
  check,
  cString,
  type Descriptor,
  errorCode,
  LIBC,
  O_CLOEXEC,
  O_PATH,
  once,
  openPath,
  owned,
} from "./libc.ts";
import { joinPaths } from "./paths.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      syscall: { args: ["i64", "i64", "ptr", "i64", "ptr", "i64"], returns: "i64" },
    }).symbols,
);

const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;

/** What a caller may be without: the right to mount, or a kernel since 5.2. EINVAL is a mount of another namespace. */
const NOT_ALLOWED = new Set(["EPERM", "ENOSYS", "EINVAL"]);

/**
 * Opens a file or folder as a mount of its own, with what is mounted below it or without. It stays when the path's mount goes, and
 * nothing leads out of it. Where that is not allowed, what is mounted below can't be left out: throws an Error with `code`.
 */
export function openDetached(path: string, { recursive }: { recursive: boolean }): Descriptor {
  using opened = new DisposableStack();
  const plain = opened.use(owned(openPath(path, O_PATH)));
  try {
    return cloneOf(plain.fd, recursive);
  } catch (error) {
    if (!recursive || !NOT_ALLOWED.has(errorCode(error))) throw error;
  }
  opened.move();
  return plain;
}

function cloneOf(fd: number, recursive: boolean): Descriptor {
  const OPEN_TREE = 428n;
  const OPEN_TREE_CLONE = 1;
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  const clone = owned(check(libc().syscall(OPEN_TREE, fd, cString(""), flags, null, 0), "open_tree"));
  if (!recursive) makePrivate(clone.fd);
  return clone;
}

/** Else what is mounted in the original later would be mounted here. Kernels since 5.12 can. */
function makePrivate(fd: number): void {
  const MOUNT_SETATTR = 442n;
  const MS_PRIVATE = 1n << 18n;
  const attributes = new BigUint64Array([0n, 0n, MS_PRIVATE, 0n]);
  libc().syscall(MOUNT_SETATTR, fd, cString(""), AT_EMPTY_PATH, attributes, attributes.byteLength);
}

interface MountPoint {
  readonly id: string;
  readonly device: string;
  /** What of the file system is mounted, and where. */
  readonly root: string;
  readonly target: string;
}

/**
 * A path of an open file that lasts: below the mount that shows most of its file system. Its own path where there is no other; one that
 * it was opened by may be a bind mount that somebody made for a moment.
 */
export function lastingPath(fd: number): string {
  const path = readLink(`/proc/self/fd/${fd}`);
  const id = /^mnt_id:\s+(\d+)$/m.exec(readText(`/proc/self/fdinfo/${fd}`))?.[1];
  const mounts = mountPoints(readText("/proc/self/mountinfo"));
  const own = mounts.find((mount) => mount.id === id);
  if (!own || !isBelow(path, own.target)) return path;
  const within = joinPaths(own.root, path.slice(own.target.length));
  const { device, inode } = statusOfFile(fd);
  const others = mounts.filter((mount) => mount.device === own.device && isBelow(within, mount.root));
  const paths = [own, ...others]
    .sort((a, b) => a.root.length - b.root.length)
    .map(({ root, target }) => joinPaths(target, root === "/" ? within : within.slice(root.length)));
  const isIt = (each: string): boolean => {
    const status = statusOrNull(each);
    return status?.device === device && status.inode === inode;
  };
  return paths.find(isIt) ?? path;
}

/** Where the file system on a block device is mounted, or that in a file, by a loop device; undefined where it is not. */
export function mountOfDisk(fd: number): string | undefined {
  const status = statusOfFile(fd);
  const devices = status.isBlockDevice ? [status.node] : loopDevicesOf(status);
  return mountPoints(readText("/proc/self/mountinfo")).find(({ device }) => devices.includes(device))?.target;
}

/** Their numbers. */
const loopDevicesOf = ({ device, inode }: Pick<Status, "device" | "inode">): string[] =>
  listFolder("/sys/block").flatMap((name) => {
    const path = readTextOrNull(`/sys/block/${name}/loop/backing_file`)?.trimEnd();
    const file = path === undefined ? null : statusOrNull(path);
    return file?.device === device && file.inode === inode ? [readText(`/sys/block/${name}/dev`).trim()] : [];
  });

const isBelow = (path: string, folder: string): boolean =>
  folder === "/" || path === folder || path.startsWith(`${folder}/`);

function mountPoints(mountinfo: string): MountPoint[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [id, , device, root, target] = line.split(" ");
    if (id === undefined || device === undefined || root === undefined || target === undefined) return [];
    return [{ id, device, root: unescaped(root), target: unescaped(target) }];
  });
}

/** Spaces and the like are written as "\040". */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
