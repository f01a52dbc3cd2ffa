import { qemuOption } from "./option.ts";

const FIRST_SLOT = 0x10;

/** Entries. */
const QUEUE_SIZE = 256;

/** A disk of the machine, as far as QEMU's arguments go. */
export interface DiskArguments {
  /** The guest's first is 0. */
  readonly disk: number;
  /** QEMU's descriptor of it; one for a read-only disk must not be able to write. */
  readonly fd: number;
  readonly readOnly: boolean;
  readonly format: "raw" | "qcow2";
  readonly isDevice: boolean;
}

/** A disk on bus 0. No path of the host or the image is named, so none can be another than was meant. */
export function diskArguments({ disk, fd, readOnly, format, isDevice }: DiskArguments): string[] {
  const node = `disk${disk}`;
  return [
    "-add-fd",
    qemuOption(`fd=${fd}`, { set: disk }),
    "-blockdev",
    qemuOption(`driver=${format}`, {
      "node-name": node,
      "read-only": readOnly ? "on" : "off",
      "file.driver": isDevice ? "host_device" : "file",
      "file.filename": `/dev/fdset/${disk}`,
      // Whoever opened it has locked it.
      "file.locking": "off",
    }),
    "-device",
    qemuOption("virtio-blk-pci", {
      drive: node,
      // A guest pays for each with its memory: not what this QEMU takes, or what fits its processors.
      "num-queues": 1,
      "queue-size": QUEUE_SIZE,
      bus: "pci.0",
      addr: `0x${(FIRST_SLOT + disk).toString(16)}`,
    }),
  ];
}
