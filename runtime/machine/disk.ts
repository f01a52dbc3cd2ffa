import type { MonitorCommand } from "./monitor.ts";
import { type DeviceOrder, placeOf, virtioVersion } from "./pci.ts";

/** Entries. */
const QUEUE_SIZE = 256;

/** A disk of the machine, as far as QEMU is told of it. */
export interface MachineDisk {
  readonly readOnly: boolean;
  readonly format: "raw" | "qcow2";
  readonly isDevice: boolean;
  /** What is below it, read-only: it has only what differs. Of one of a machine's disks at most. */
  readonly base?: { readonly format: "raw" | "qcow2" };
}

interface Places {
  readonly modern?: boolean;
  readonly order?: DeviceOrder | undefined;
}

/**
 * The machine's disks in the guest's order, by descriptors in the same order, and behind them that of a base; those of read-only disks must
 * not be able to write. No path of the host or the image is named, so none can be another than was meant. SeaBIOS boots from the first
 * of them, as it is in the lowest slot.
 */
export function diskCommands(disks: readonly MachineDisk[], places: Places): MonitorCommand[] {
  const based = disks.filter(({ base }) => base);
  return [
    ...disks.map((_, disk) => lend(disk)),
    ...based.flatMap(({ base }) => (base ? [lend(BASE.set), addBase(base)] : [])),
    ...disks.flatMap((each, disk) => [addNode(each, disk), addDevice(disk, places)]),
  ];
}

/** QEMU's names for what is below a disk; no disk has that number. */
const BASE = { set: 100, node: "base" };

const lend = (set: number): MonitorCommand => ({
  execute: "add-fd",
  arguments: { "fdset-id": set },
  lends: true,
});

/** Whoever opened it has locked it. */
const fileOf = (set: number, isDevice = false) => ({
  driver: isDevice ? "host_device" : "file",
  filename: `/dev/fdset/${set}`,
  locking: "off",
});

const nodeOf = (disk: number): string => `disk${disk}`;

/** Whatever an image names in itself, there is nothing below it. */
const addBase = ({ format }: { format: "raw" | "qcow2" }): MonitorCommand => ({
  execute: "blockdev-add",
  arguments: {
    driver: format,
    "node-name": BASE.node,
    "read-only": true,
    file: fileOf(BASE.set),
    ...(format === "qcow2" ? { backing: null } : {}),
  },
});

const addNode = ({ readOnly, format, isDevice, base }: MachineDisk, disk: number): MonitorCommand => ({
  execute: "blockdev-add",
  arguments: {
    driver: format,
    "node-name": nodeOf(disk),
    "read-only": readOnly,
    file: fileOf(disk, isDevice),
    ...(base ? { backing: BASE.node } : {}),
  },
});

const addDevice = (disk: number, { modern = false, order }: Places): MonitorCommand => ({
  execute: "device_add",
  arguments: {
    driver: "virtio-blk-pci",
    drive: nodeOf(disk),
    // Where the host has no room the guest is told; QEMU would let it stand still for ever.
    werror: "report",
    // A guest pays for each with its memory: not what this QEMU takes, or what fits its processors.
    "num-queues": 1,
    "queue-size": QUEUE_SIZE,
    ...virtioVersion(modern),
    ...placeOf("disk", disk, order),
  },
});
