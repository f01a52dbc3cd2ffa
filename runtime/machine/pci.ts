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

/** The place of the `index`th device of its kind, as a property of device_add. */
export function placeOf(
  kind: keyof typeof ROOM,
  index: number,
): { readonly bus: string; readonly addr: string } {
  if (index < 0 || index >= ROOM[kind])
    throw new Error(
      `a machine has ${ROOM[kind]} slots for devices of the kind ${kind}, and none has the index ${index}`,
    );
  return { bus: BUS, addr: `0x${(FIRST[kind] + index).toString(16)}` };
}

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
