import { qemuOption } from "./option.ts";

const FIRST_SLOT = 0x10;

/** Where the cage has the image of the `disk`th disk. */
export const diskPath = (disk: number): string => `guest/disk${disk}`;

/** A raw disk on bus 0: the guest's first is `disk` 0. */
export function diskArguments(options: { disk: number; readOnly: boolean }): string[] {
  const node = `disk${options.disk}`;
  return [
    "-blockdev",
    qemuOption("driver=raw", {
      "node-name": node,
      "read-only": options.readOnly ? "on" : "off",
      "file.driver": "file",
      "file.filename": `/${diskPath(options.disk)}`,
    }),
    "-device",
    qemuOption("virtio-blk-pci", {
      drive: node,
      bus: "pci.0",
      addr: `0x${(FIRST_SLOT + options.disk).toString(16)}`,
    }),
  ];
}
