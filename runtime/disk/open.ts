/** Opens what is on a guest's disks, for its machine. */
import { statusOfFile } from "../../native/files.ts";
import { type Descriptor, owned } from "../../native/libc.ts";
import { openInRoot } from "../../native/regular-file.ts";
import { amountOf } from "../amount.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { passed } from "../steps.ts";
import type { Disk, DiskContent } from "./choose.ts";
import { type DeviceCheck, openHostDisk, refuseStrange, type WriterOf } from "./host-image.ts";
import { openTree, type ReadOnlyOptions } from "./read-only.ts";
import { openCopy, openScratch } from "./scratch.ts";
import { openVolume } from "./volume.ts";

/** A disk as the VMM takes it. */
export interface OpenDisk {
  readonly mountpoint?: string;
  readonly readOnly: boolean;
  readonly fd: number;
  readonly format: "raw" | "qcow2";
  /** A block device, not a file. */
  readonly isDevice: boolean;
  /** The disk below, of which it has only what differs. */
  readonly base?: { readonly fd: number; readonly format: "raw" | "qcow2" };
  /** What is on it, or "boot": the image's own, that its machine boots from; with the file or folder of the host that it stands for, where it is one. */
  readonly kind: DiskContent["kind"] | "boot";
  readonly source?: string;
}

export interface OpenDisks extends Disposable {
  readonly list: readonly OpenDisk[];
}

export interface DiskOptions extends ReadOnlyOptions {
  /** What the container is called by whoever asked for it (VolumeRecord). */
  readonly title?: string | undefined;
  /** Bytes that a volume's disk has at least; it takes what is written to it only. */
  readonly volumeBytes: number;
  /** Whether the container may have a block device ("MAJOR:MINOR"). */
  readonly mayOpen: DeviceCheck;
  readonly writerOf: WriterOf;
}

/** In the order given. Throws UnikrunError for the first that can't be had, with nothing left open. */
export function openDisks(disks: readonly Disk[], options: DiskOptions): OpenDisks {
  using opened = new DisposableStack();
  const list = disks.map((disk) => {
    const { descriptor, ...form } = openOne(disk, options);
    opened.use(descriptor);
    const { mountpoint, readOnly, content } = disk;
    passed("disk", diskWords(disk, form.isDevice ? null : statusOfFile(descriptor.fd).size));
    return {
      ...(mountpoint === undefined ? {} : { mountpoint }),
      readOnly,
      fd: descriptor.fd,
      kind: content.kind,
      ...("source" in content ? { source: options.sourceAt(content.source).name } : {}),
      ...form,
    };
  });
  const all = opened.move();
  return { list, [Symbol.dispose]: () => all.dispose() };
}

/** For `unikrun trace`. */
const diskWords = ({ mountpoint, content }: Disk, size: number | null): string =>
  [mountpoint ?? "attached", content.kind, ...(size === null ? [] : [amountOf(size)])].join(" ");

function openOne(disk: Disk, options: DiskOptions) {
  try {
    return open(disk, options);
  } catch (cause) {
    if (cause instanceof UnikrunError) throw cause;
    const { containerId, store } = options;
    throw new UnikrunError(
      `Container ${containerId}: the disk for ${disk.mountpoint ?? "its image"} can't be made (${reasonOf(cause)}): see whether ${store} can be written and has room.`,
      { cause },
    );
  }
}

function open({ content, readOnly, mountpoint = "" }: Disk, options: DiskOptions) {
  const { containerId, rootfs, store, sourceAt } = options;
  const raw = (descriptor: Descriptor) => ({ descriptor, format: "raw" as const, isDevice: false });
  switch (content.kind) {
    case "image":
      return raw(openImageDisk(containerId, rootfs, content.path, mountpoint));
    case "host":
      return openHostDisk({
        containerId,
        source: sourceAt(content.source),
        readOnly,
        mayOpen: options.mayOpen,
        writerOf: options.writerOf,
      });
    case "tree":
      return raw(openTree(mountpoint, content, options));
    case "volume":
      return raw(
        openVolume({
          containerId,
          title: options.title,
          store,
          source: sourceAt(content.source),
          mountpoint,
          bytes: options.volumeBytes,
        }),
      );
    case "scratch":
      if (content.copyOf === undefined) return raw(openScratch(content));
      return raw(openCopy(sourceAt(content.copyOf), { store, mountpoint, bytes: options.volumeBytes }));
  }
}

function openImageDisk(containerId: string, rootfs: string, path: string, mountpoint: string): Descriptor {
  using opened = new DisposableStack();
  try {
    const file = opened.use(owned(openInRoot(rootfs, path)));
    if (!statusOfFile(file.fd).isFile) throw new Error("it is no regular file");
    // What is attached only is the program's own affair.
    if (mountpoint !== "") refuseStrange(containerId, path, file.fd);
    opened.move();
    return file;
  } catch (cause) {
    if (cause instanceof UnikrunError) throw cause;
    throw new UnikrunError(
      `Container ${containerId}: the disk ${path} of the image can't be opened (${reasonOf(cause)}): see "disks" in its settings.`,
      { cause },
    );
  }
}
