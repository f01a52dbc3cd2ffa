/** A machine, board and devices, as `start` made it, for a later checkpoint: in the state folder, beside the container's own record. */
import { agreed } from "../../../native/directives.ts";
import { readTextOrNull, rename, writeText } from "../../../native/files.ts";
import type { OpenDisk } from "../../disk/open.ts";
import type { BootNic } from "../../guest/guest.ts";
import type { Board } from "../../machine/board.ts";
import type { DeviceOrder } from "../../machine/pci.ts";
import { type Container, containerFolder } from "./container.ts";

export interface MachineRecord extends Board {
  readonly family: string;
  /** The guest's command line. */
  readonly bootArguments: string;
  /** Its kernel takes system calls (network/shut.ts). */
  readonly proxy?: boolean;
  /** Where its guest knows its devices by their places. */
  readonly order?: DeviceOrder;
  /** In the order of its cards. */
  readonly nics: readonly BootNic[];
  /** In the order of the machine's disks. */
  readonly disks: readonly DiskRecord[];
  /** The name of the template that it may be kept as. */
  readonly template?: string;
}

export type DiskRecord = Omit<OpenDisk, "fd" | "base">;

/** Where a running machine's disk can be opened: init keeps it. */
export const keptDisk = ({ pid }: Pick<Container, "pid">, disk: number): string =>
  `/proc/${pid}/fd/${agreed.FIRST_DISK + disk}`;

const FILE = "machine.json";

export function writeMachine(root: string, id: string, record: MachineRecord): void {
  const file = `${containerFolder(root, id)}/${FILE}`;
  writeText(`${file}.new`, JSON.stringify(record));
  rename(`${file}.new`, file);
}

/** Null where the machine was started by an unikrun that did not keep it. */
export function readMachine(root: string, id: string): MachineRecord | null {
  return JSON.parse(readTextOrNull(`${containerFolder(root, id)}/${FILE}`) ?? "null") as MachineRecord | null;
}
