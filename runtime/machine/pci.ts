/** The machine's one PCI bus: which of its 32 slots are whose, and how devices come into them before the guest runs. */
import type { MonitorCommand } from "./monitor.ts";

const BUS = "pci.0";

/**
 * Where the slots of each kind of device begin; they end where those of the next do. 0 and 1 are the chipset's, and 2 has the display in
 * machines that have one. Guests number cards and disks by their slots.
 */
const FIRST = { nic: 3, disk: 16, nobody: 32 } as const;

/** How many there can be of each. */
export const ROOM = { nic: FIRST.disk - FIRST.nic, disk: FIRST.nobody - FIRST.disk } as const;

/** The kinds of all devices as a guest expects them one behind the other, where it knows them by their places and not by their kind. */
export type DeviceOrder = readonly (keyof typeof ROOM)[];

/** The place of the `index`th device of its kind, as a property of device_add. */
export function placeOf(
  kind: keyof typeof ROOM,
  index: number,
  order?: DeviceOrder,
): { readonly bus: string; readonly addr: string } {
  const slot = order ? FIRST.nic + placeIn(order, kind, index) : FIRST[kind] + index;
  const end = order ? FIRST.nobody : FIRST[kind] + ROOM[kind];
  if (index < 0 || slot < FIRST.nic || slot >= end)
    throw new Error(`a machine has no slot for the device ${index} of the kind ${kind}`);
  return { bus: BUS, addr: `0x${slot.toString(16)}` };
}

const placeIn = (order: DeviceOrder, kind: keyof typeof ROOM, index: number): number =>
  order.flatMap((each, place) => (each === kind ? [place] : []))[index] ?? FIRST.nobody;

/** As properties of device_add: by itself QEMU makes devices that can be driven either way. */
export const virtioVersion = (modern: boolean): { "disable-legacy"?: "on" } =>
  modern ? { "disable-legacy": "on" } : {};

/**
 * Without ACPI nothing would tell a guest that runs of a new card or disk, so QEMU refuses it. Before the guest runs nobody has to be told;
 * any handler does, and the board itself is one that leaves them as they are.
 */
export const OPEN_SLOTS: MonitorCommand = {
  execute: "qom-set",
  arguments: { path: `/machine/i440fx/${BUS}`, property: "hotplug-handler", value: "/machine" },
};
