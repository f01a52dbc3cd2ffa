import { unpackSparse } from "../../../native/copy.ts";
import { type Descriptor, O_RDONLY, openPath, owned } from "../../../native/libc.ts";
import { memoryFile } from "../../../native/process.ts";
import { openHostDisk } from "../../disk/host-image.ts";
import type { OpenDisk, OpenDisks } from "../../disk/open.ts";
import { openSavedVolume } from "../../disk/saved-volume.ts";
import { UnikrunError } from "../../error.ts";
import type { DiskRecord } from "../machine-record.ts";
import type { Container } from "../state.ts";
import { type Checkpoint, diskFile } from "./image.ts";

/** The disks of a checkpoint as they were then; what the guest writes from now on goes to copies. */
export function openSavedDisks(container: Container, folder: string, { machine }: Checkpoint): OpenDisks {
  using opened = new DisposableStack();
  const list = machine.disks.map((disk, index): OpenDisk => {
    const descriptor = opened.use(openSaved(container, diskFile(folder, index), disk));
    return { ...disk, fd: descriptor.fd };
  });
  const all = opened.move();
  return { list, [Symbol.dispose]: () => all.dispose() };
}

function openSaved(container: Container, file: string, disk: DiskRecord): Descriptor {
  const { id } = container;
  switch (disk.kind) {
    case "host":
      return openHostDisk({ containerId: id, source: disk.source ?? "", readOnly: true }).descriptor;
    case "volume":
      return openSavedVolume({
        containerId: id,
        store: container.guest.store,
        source: volumeAt(container, disk.mountpoint ?? ""),
        saved: file,
      });
    case "scratch": {
      using undo = new DisposableStack();
      using saved = owned(openPath(file, O_RDONLY));
      const copy = undo.use(owned(memoryFileOf(saved)));
      undo.move();
      return copy;
    }
    default:
      return owned(openPath(file, O_RDONLY));
  }
}

function memoryFileOf(saved: Descriptor): number {
  const copy = memoryFile("scratch", new Uint8Array());
  unpackSparse(saved.fd, copy);
  return copy;
}

/** The folder that is a volume for writing at that place now. */
function volumeAt({ id, guest }: Container, mountpoint: string): string {
  const mount = guest.mounts.findLast(({ destination }) => destination === mountpoint);
  if (mount?.source !== undefined && !mount.readOnly) return mount.source;
  throw new UnikrunError(
    `Container ${id} can't be restored: its guest had a volume for writing at ${mountpoint}, and there is none now: mount it there again.`,
  );
}
