/** Files and devices of the host that are disks already. */
import { readAt, statusOfFile } from "../../native/files.ts";
import {
  type Descriptor,
  errorCode,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  openPath,
  owned,
} from "../../native/libc.ts";
import { tryLock } from "../../native/lock.ts";
import { mountOfDisk } from "../../native/mounts.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { ext2State, strangeFeatures } from "./ext2/image.ts";
import type { HostSource } from "./host-source.ts";
import { mayRead, mayWrite } from "./owners.ts";
import { isQcow2, refuseReferences } from "./qcow2.ts";
import { repairExt2 } from "./repair.ts";
import { isWritten, type Writer } from "./writer.ts";

export type SourceKind = "file" | "folder" | "disk";

/** What a mount's source is, links followed: a regular file counts as a disk if a file system or qcow2 header is in it. */
export function kindOfSource(
  containerId: string,
  { at, name: source }: HostSource,
  destination: string,
): SourceKind {
  try {
    const status = statusOfFile(at);
    if (status.isFolder) return "folder";
    if (status.isBlockDevice) return "disk";
    if (!status.isFile) {
      throw new UnikrunError(
        `Container ${containerId}: ${source}, to be mounted as ${destination}, is no file, folder or disk, and nothing else can be given to a unikernel: leave it out.`,
      );
    }
    using file = owned(openPath(at, O_RDONLY | O_NONBLOCK));
    return isQcow2(file.fd) || hasFileSystem(file.fd) ? "disk" : "file";
  } catch (cause) {
    if (cause instanceof UnikrunError) throw cause;
    throw new UnikrunError(
      `Container ${containerId}: ${source}, to be mounted as ${destination}, can't be opened (${reasonOf(cause)}).`,
      { cause },
    );
  }
}

export interface HostDisk {
  readonly descriptor: Descriptor;
  readonly format: "raw" | "qcow2";
  readonly isDevice: boolean;
}

/** Whose guest writes the file or device of that descriptor, where that is known. */
export type WriterOf = (disk: number) => Writer | undefined;

export type DeviceCheck = (node: string, access: "r" | "rw") => boolean;

interface HostDiskOptions {
  readonly containerId: string;
  readonly source: HostSource;
  readonly readOnly: boolean;
  readonly mayOpen: DeviceCheck;
  readonly writerOf?: WriterOf;
}

/** For writing, the disk is this machine's alone as long as it runs. */
export function openHostDisk(options: HostDiskOptions): HostDisk {
  const { containerId, readOnly } = options;
  const source = options.source.name;
  refuseStrangers(options);
  using opened = new DisposableStack();
  const descriptor = opened.adopt(open(options), (file) => file[Symbol.dispose]());
  const isDevice = statusOfFile(descriptor.fd).isBlockDevice;
  const format = !isDevice && isQcow2(descriptor.fd) ? "qcow2" : "raw";
  if (format === "qcow2") refuseReferences(containerId, source, descriptor.fd);
  if (!readOnly && !tryLock(descriptor.fd)) {
    throw isWritten(containerId, { kind: "disk", source }, options.writerOf?.(descriptor.fd));
  }
  if (!readOnly && format === "raw") refuseMounted(containerId, source, descriptor.fd);
  if (!readOnly && format === "raw" && ext2State(descriptor.fd) === "unclean")
    repairExt2({
      fd: descriptor.fd,
      name: `the disk ${source}`,
      remedy: `repair it by hand (e2fsck -fy ${source}) and start container ${containerId} again`,
    });
  if (format === "raw") refuseStrange(containerId, source, descriptor.fd);
  opened.move();
  return { descriptor, format, isDevice };
}

function open({ containerId, source: { at, name: source }, readOnly, mayOpen }: HostDiskOptions): Descriptor {
  try {
    // What is asked about is what is opened, whatever gets its name meanwhile.
    using found = owned(openPath(at, O_PATH));
    const { isBlockDevice, node } = statusOfFile(found.fd);
    if (isBlockDevice && !mayOpen(node, readOnly ? "r" : "rw")) {
      throw new UnikrunError(
        `Container ${containerId}: the device ${source} (${node}) may not be ${readOnly ? "read" : "written"} by this container (linux.resources.devices of its config.json): give it the device, too (docker run --device ${source}).`,
      );
    }
    return owned(openPath(`/proc/self/fd/${found.fd}`, (readOnly ? O_RDONLY : O_RDWR) | O_NONBLOCK));
  } catch (cause) {
    if (cause instanceof UnikrunError) throw cause;
    const advice = errorCode(cause) === "EROFS" ? ": mount it read-only" : "";
    throw new UnikrunError(
      `Container ${containerId}: the disk ${source} can't be opened (${reasonOf(cause)})${advice}.`,
      {
        cause,
      },
    );
  }
}

/** What root of the container's user namespace may not open, its guest may not either. Throws UnikrunError. */
function refuseStrangers({ containerId, source: { at, name, maps }, readOnly }: HostDiskOptions): void {
  if (!maps) return;
  const status = statusOfFile(at);
  if (mayRead(maps, status) && (readOnly || mayWrite(maps, status))) return;
  throw new UnikrunError(
    `Container ${containerId}: the disk ${name} belongs to ${status.uid}:${status.gid}, nobody in the container's user namespace, so its guest may not ${readOnly ? "read" : "write"} it: change its owner, or its mode.`,
  );
}

/** Throws UnikrunError for a file system of ext2's kind that rump kernels don't mount: their guest would end with 126. */
export function refuseStrange(containerId: string, source: string, fd: number): void {
  const features = strangeFeatures(fd);
  if (features === undefined) return;
  throw new UnikrunError(
    `Container ${containerId}: the disk ${source} has a file system with ${features}, which a unikernel can't mount: make an ext2 (mke2fs -t ext2) and copy its files there.`,
  );
}

/** Whoever repairs it, or writes it beside the host's kernel, destroys it. */
function refuseMounted(containerId: string, source: string, fd: number): void {
  const place = mountOfDisk(fd);
  if (place === undefined) return;
  throw new UnikrunError(
    `Container ${containerId}: the disk ${source} is mounted on this host, as ${place}, and only one can write it: unmount it there, or mount the disk read-only.`,
  );
}

/** Of those that guests mount: Nanos's, and of rump kernels ISO 9660, ext2, and FFS of both versions and byte orders. */
function hasFileSystem(fd: number): boolean {
  if (readAt(fd, 0, 6).toString("latin1") === "NVMTFS") return true;
  if (readAt(fd, 32769, 5).toString("latin1") === "CD001") return true;
  const ext2 = readAt(fd, 1024 + 56, 2);
  if (ext2.length === 2 && ext2.readUInt16LE(0) === 0xef53) return true;
  const FFS = [0x011954, 0x19540119];
  return [8192, 65536].some((superblock) => {
    const magic = readAt(fd, superblock + 1372, 4);
    return magic.length === 4 && (FFS.includes(magic.readUInt32LE(0)) || FFS.includes(magic.readUInt32BE(0)));
  });
}
