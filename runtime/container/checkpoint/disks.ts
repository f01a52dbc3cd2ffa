import { unpackSparse } from "../../../native/copy.ts";
import { type Descriptor, duplicate, owned } from "../../../native/libc.ts";
import { memoryFile } from "../../../native/process.ts";
import { type BootDisk, openBootDisk } from "../../disk/boot-disk.ts";
import { openHostDisk } from "../../disk/host-image.ts";
import type { HostSource } from "../../disk/host-source.ts";
import type { OpenDisk, OpenDisks } from "../../disk/open.ts";
import { openSavedVolume } from "../../disk/saved-volume.ts";
import { UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import { ownDisk } from "../boot/disks.ts";
import { podTitle } from "../engines/pod-title.ts";
import type { Container } from "../record/container.ts";
import { mayHaveDisk } from "../record/devices.ts";
import { hostSource } from "../record/host-source.ts";
import type { DiskRecord } from "../record/machine.ts";
import { type Checkpoint, diskName, identityOf, isLent, openPart } from "./image.ts";

/**
 * The disks of a checkpoint as they were then; what the guest writes from now on goes to copies. A checkpoint may come from anybody,
 * so it names no file of the host: those are the container's own mounts.
 */
export function openSavedDisks(container: Container, folder: string, checkpoint: Checkpoint): OpenDisks {
  const { machine, sizes, lent } = checkpoint;
  using opened = new DisposableStack();
  const list = machine.disks.map((disk, index): OpenDisk => {
    if (isLent(disk.kind)) {
      const { descriptor, ...form } = openLent(container, disk, lent[index]);
      return { ...disk, ...form, fd: opened.use(descriptor).fd };
    }
    using saved = openPart(folder, diskName(index), sizes.disks[index]);
    if (disk.kind === "boot") {
      const { fd, base, format } = opened.use(openOwn(container, saved, index, lent[index]));
      return { ...disk, format, isDevice: false, fd, base };
    }
    return { ...disk, format: "raw", isDevice: false, fd: opened.use(openSaved(container, saved, disk)).fd };
  });
  const all = opened.move();
  return { list, [Symbol.dispose]: () => all.dispose() };
}

function openSaved(container: Container, saved: Descriptor, disk: DiskRecord): Descriptor {
  switch (disk.kind) {
    case "volume":
      return openSavedVolume({
        containerId: container.id,
        title: podTitle(container.annotations),
        store: container.guest.store,
        source: mountAt(container, disk, { readOnly: false }),
        saved,
      });
    case "scratch": {
      using undo = new DisposableStack();
      const copy = undo.use(owned(memoryFile("scratch", new Uint8Array())));
      unpackSparse(saved.fd, copy.fd);
      undo.move();
      return copy;
    }
    default:
      return owned(duplicate(saved.fd));
  }
}

/** The disk of the image with what its guest wrote; the image must be what it was. */
function openOwn(
  container: Container,
  saved: Descriptor,
  index: number,
  identity: string | undefined,
): BootDisk {
  const { id, guest } = container;
  if (index !== 0 || familyNamed(guest.family).board.loader !== "disk")
    throw new UnikrunError(
      `Container ${id} can't be restored: its checkpoint has another disk to boot from: take another.`,
    );
  using opened = new DisposableStack();
  const disk = opened.use(openBootDisk(ownDisk(container), saved));
  if (identityOf(disk.base.fd) !== identity)
    throw new UnikrunError(
      `Container ${id} can't be restored: the disk ${guest.kernel} of its image is another one than at the checkpoint, and the guest would not know it: start it without the checkpoint.`,
    );
  opened.move();
  return disk;
}

/** The guest has parts of its file system in memory, so it must be what it was. */
function openLent(container: Container, disk: DiskRecord, identity: string | undefined) {
  const { id } = container;
  const source = mountAt(container, disk, { readOnly: true });
  using opened = new DisposableStack();
  const host = openHostDisk({ containerId: id, source, readOnly: true, mayOpen: mayHaveDisk(container) });
  opened.use(host.descriptor);
  if (identityOf(host.descriptor.fd) !== identity) {
    throw new UnikrunError(
      `Container ${id} can't be restored: the disk ${source.name} has changed since the checkpoint, or is another one, and the guest would not know it: start it without the checkpoint.`,
    );
  }
  opened.move();
  return host;
}

/** The file or folder of the host that is mounted at that place now. */
function mountAt(
  container: Container,
  { mountpoint = "" }: DiskRecord,
  { readOnly }: { readOnly: boolean },
): HostSource {
  const { id, guest } = container;
  const mount = guest.mounts.findLast(({ destination }) => destination === mountpoint);
  if (mount?.source !== undefined && mount.readOnly === readOnly)
    return hostSource(container, mount, mount.source);
  const what = readOnly ? "a disk of the host, read-only," : "a volume for writing";
  throw new UnikrunError(
    `Container ${id} can't be restored: its guest had ${what} at ${mountpoint}, and there is none now: mount it there again.`,
  );
}
