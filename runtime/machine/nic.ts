import type { MonitorCommand } from "./monitor.ts";
import { type DeviceOrder, placeOf, virtioVersion } from "./pci.ts";

/** Entries of each of a card's queues. */
const QUEUE_SIZE = 256;

/**
 * A network card for the `card`th tap, which is lent with the first command. `mac` as "02:42:ac:11:00:02", `mtu` in bytes. `takesAnyMac`: its
 * guest may be told another.
 */
export function nicCommands({
  card,
  mac,
  mtu,
  takesAnyMac = false,
  modern = false,
  order,
}: {
  card: number;
  mac: string;
  mtu: number;
  takesAnyMac?: boolean;
  modern?: boolean;
  order?: DeviceOrder | undefined;
}): MonitorCommand[] {
  const id = `net${card}`;
  return [
    { execute: "getfd", arguments: { fdname: id }, lends: true },
    { execute: "netdev_add", arguments: { type: "tap", id, fd: id, vhost: false } },
    {
      execute: "device_add",
      arguments: {
        driver: "virtio-net-pci",
        netdev: id,
        mac,
        host_mtu: mtu,
        // A guest pays for each entry with its memory.
        rx_queue_size: QUEUE_SIZE,
        tx_queue_size: QUEUE_SIZE,
        // Without the queue by which a guest says what it wants to hear, it hears all.
        ...(takesAnyMac ? { ctrl_vq: false } : {}),
        // An empty option ROM: the network boot code takes 100 ms and nobody boots from it.
        romfile: "",
        ...virtioVersion(modern),
        ...placeOf("nic", card, order),
      },
    },
  ];
}
