import { qemuOption } from "./option.ts";

/** The descriptors of the plan, taps and then disks, follow the console's and the monitor's (native/init/vmm.c). */
export const FIRST_FD = 5;
/** PCI slots 0 and 1 are the chipset's; cards come first so that their order is the interfaces' order. */
const FIRST_SLOT = 3;

/** Entries of each of a card's queues. */
const QUEUE_SIZE = 256;

/** A network card on bus 0 for the `card`th tap. `mac` as "02:42:ac:11:00:02", `mtu` in bytes. */
export function nicArguments(nic: { card: number; mac: string; mtu: number }): string[] {
  const id = `net${nic.card}`;
  return [
    "-netdev",
    qemuOption("tap", { id, fd: FIRST_FD + nic.card, vhost: "off" }),
    "-device",
    qemuOption("virtio-net-pci", {
      netdev: id,
      mac: nic.mac,
      host_mtu: nic.mtu,
      // A guest pays for each entry with its memory.
      rx_queue_size: QUEUE_SIZE,
      tx_queue_size: QUEUE_SIZE,
      // An empty option ROM: the network boot code takes 100 ms and nobody boots from it.
      romfile: "",
      bus: "pci.0",
      addr: `0x${(FIRST_SLOT + nic.card).toString(16)}`,
    }),
  ];
}
