/** What is known of a container on disk, and what can be done with it. */
import { START_SOCKET } from "../../../native/directives.ts";
import {
  exists,
  listFolder,
  makeFolder,
  makeFolders,
  readText,
  readTextOrNull,
  removeFlatFolder,
  rename,
  writeText,
} from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { UnikrunError } from "../../error.ts";
import type { KernelImage } from "../../guest/guest.ts";
import type { BoardRecord } from "../boot/board.ts";
import type { GuestMount } from "../bundle/mounts.ts";
import { isFrozen } from "../cgroup/processes.ts";
import type { Hooks } from "../spec/oci.ts";

const FILE = "unikrun.json";

/** Written by `create` only; whether the container runs is read off the processes, so a killed runtime can't leave a lie. */
export interface Container {
  readonly version: 1;
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** ISO 8601. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** The container's init (0 as long as create has not made it), and when it started in clock ticks after boot (proc(5)), so that a reused pid is not taken for it. */
  readonly pid: number;
  readonly startTime: number;
  /** The folders of its cgroup, by hierarchy. */
  readonly cgroup: Readonly<Record<string, string>>;
  /** The unit of systemd's that the cgroup is of, as in "docker-ID.scope". */
  readonly scope?: string;
  /** A network namespace that outlives the container, if it was given one. */
  readonly givenNetns?: string;
  readonly hooks: Hooks;
  readonly guest: GuestRecord;
  readonly board: BoardRecord;
}

/** What `start` needs, as it was when the container was created: later changes of config.json have no effect. */
export interface GuestRecord {
  readonly family: string;
  /** Path inside the root file system, or on the host. */
  readonly kernel: string;
  readonly kernelOnHost: boolean;
  /** Which file it was, and as it was then (ImageFile.identity). */
  readonly kernelIdentity: string;
  readonly image: KernelImage;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly hostname?: string;
  /** MiB. */
  readonly memory?: number;
  /** Bytes. */
  readonly memoryLimit?: number;
  /** What of the image is to be on disks, if its settings say it. */
  readonly disks?: readonly { readonly path: string; readonly mountpoint?: string }[];
  readonly mounts: readonly GuestMount[];
  /** Where the disks of its volumes are. */
  readonly store: string;
  readonly newMounts: boolean;
  readonly apparmor?: string;
  readonly selinux?: string;
}

export type Status = "created" | "running" | "paused" | "stopped";

/** The folder of a container's files; `root` is --root. */
export const containerFolder = (root: string, id: string): string => `${root}/${id}`;

/** Makes the folder that reserves an id. */
export function reserve(root: string, id: string): void {
  checkId(id);
  try {
    makeFolders(root, 0o711);
    makeFolder(containerFolder(root, id), 0o700);
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST") throw cause;
    throw new UnikrunError(`A container with the id ${id} exists already: delete it, or choose another id.`, {
      cause,
    });
  }
}

/** The rule is runc's: letters, digits, `_`, `+`, `-` and `.`, but not "." or "..". */
export const isId = (id: string): boolean => /^[\w+.-]{1,255}$/.test(id) && id !== "." && id !== "..";

export function checkId(id: string): void {
  if (isId(id)) return;
  throw new UnikrunError(
    `The container id ${JSON.stringify(id)} is not valid: it takes 1 to 255 letters, digits and the characters _ + - . only.`,
  );
}

export function writeContainer(root: string, container: Container): void {
  const file = `${containerFolder(root, container.id)}/${FILE}`;
  writeText(`${file}.new`, JSON.stringify(container));
  rename(`${file}.new`, file);
}

/** Null where no container of ours has that id. */
export function readContainer(root: string, id: string): Container | null {
  checkId(id);
  try {
    return JSON.parse(readText(`${containerFolder(root, id)}/${FILE}`)) as Container;
  } catch (cause) {
    if (errorCode(cause) === "ENOENT" || errorCode(cause) === "ENOTDIR") return null;
    throw new UnikrunError(
      `The record of container ${id} in ${containerFolder(root, id)} can't be read: remove it with delete --force.`,
      { cause },
    );
  }
}

/** Whether something, perhaps half of it, holds the id. */
export const isReserved = (root: string, id: string): boolean => exists(containerFolder(root, id));

/** Removes what a create that was killed left before it had a record; false where that is not what holds the id. */
export function forgetFragment(root: string, id: string): boolean {
  checkId(id);
  const folder = containerFolder(root, id);
  try {
    if (listFolder(folder).some((name) => name !== `${FILE}.new`)) return false;
  } catch {
    return false;
  }
  forget(root, id);
  return true;
}

export function forget(root: string, id: string): void {
  removeFlatFolder(containerFolder(root, id));
}

export function listContainers(root: string): Container[] {
  let names: string[];
  try {
    names = listFolder(root);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const container = /^[\w+.-]+$/.test(name) ? readContainer(root, name) : null;
    return container ? [container] : [];
  });
}

export function statusOf(root: string, container: Container): Status {
  if (!isAlive(container)) return "stopped";
  if (exists(`${containerFolder(root, container.id)}/${START_SOCKET}`)) return "created";
  return isFrozen(container.cgroup) ? "paused" : "running";
}

/** Of the network namespace that the guest's cards are in. */
export const netnsOf = ({ givenNetns, pid }: Container): string => givenNetns ?? `/proc/${pid}/ns/net`;

/** A zombie is dead: it waits for its parent only. */
export function isAlive(container: Pick<Container, "pid" | "startTime">): boolean {
  const process = readProcess(container.pid);
  return (
    process !== null &&
    process.state !== "Z" &&
    process.state !== "X" &&
    process.startTime === container.startTime
  );
}

/** Fields 3 and 22 of /proc/PID/stat; null where there is no such process. */
export function readProcess(pid: number): { state: string; startTime: number } | null {
  const line = readTextOrNull(`/proc/${pid}/stat`);
  if (line === null) return null;
  // The command's name, in parentheses, may have anything in it.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "X", startTime: Number(fields[19]) };
}

/** The state that hooks and `state` get (runtime.md, State). A stopped container has no pid. */
export function stateDocument(container: Container, status: Status) {
  return {
    ociVersion: container.ociVersion,
    id: container.id,
    status,
    ...(status === "stopped" ? {} : { pid: container.pid }),
    bundle: container.bundle,
    annotations: container.annotations,
  };
}
