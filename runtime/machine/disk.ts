import type { MonitorCommand } from "./monitor.ts";
import { type DeviceOrder, placeOf, virtioVersion } from "./pci.ts";

/** Entries. */
const QUEUE_SIZE = 256;

/** A disk of the machine, as far as QEMU is told of it. */
export interface MachineDisk {
  /** The guest's first is 0. */
  readonly disk: number;
  readonly readOnly: boolean;
  readonly format: "raw" | "qcow2";
  readonly isDevice: boolean;
}

/**
 * A disk, whose descriptor is lent with the first command; one for a read-only disk must not be able to write. No path of the
 * host or the image is named, so none can be another than was meant.
 */
export function diskCommands({
  disk,
  readOnly,
  format,
  isDevice,
  modern = false,
  order,
}: MachineDisk & { modern?: boolean; order?: DeviceOrder | undefined }): MonitorCommand[] {
  const node = `disk${disk}`;
  return [
    { execute: "add-fd", arguments: { "fdset-id": disk }, lends: true },
    {
      execute: "blockdev-add",
      arguments: {
        driver: format,
        "node-name": node,
        "read-only": readOnly,
        file: {
          driver: isDevice ? "host_device" : "file",
          filename: `/dev/fdset/${disk}`,
          // Whoever opened it has locked it.
          locking: "off",
        },
      },
    },
    {
      execute: "device_add",
      arguments: {
        driver: "virtio-blk-pci",
        drive: node,
        // Where the host has no room the guest is told; QEMU would let it stand still for ever.
        werror: "report",
        // A guest pays for each with its memory: not what this QEMU takes, or what fits its processors.
        "num-queues": 1,
        "queue-size": QUEUE_SIZE,
        ...virtioVersion(modern),
        ...placeOf("disk", disk, order),
      },
    },
  ];
}
