/** What `start` made, for a later checkpoint: in the state folder, beside the container's own record. */
import { readTextOrNull, writeText } from "../../../native/files.ts";
import type { OpenDisk } from "../../disk/open.ts";
import type { BootNic, Firmware } from "../../guest/guest.ts";
import { containerFolder } from "./container.ts";

export interface MachineRecord {
  readonly family: string;
  readonly firmware: Firmware;
  readonly memoryMiB: number;
  /** The guest's command line. */
  readonly bootArguments: string;
  /** Its kernel takes system calls (network/shut.ts). */
  readonly proxy?: boolean;
  /** In the order of its cards. */
  readonly nics: readonly BootNic[];
  /** In the order of the machine's disks. */
  readonly disks: readonly DiskRecord[];
  /** The name of the template that it may be kept as. */
  readonly template?: string;
}

export type DiskRecord = Omit<OpenDisk, "fd">;

const FILE = "machine.json";

export function writeMachine(root: string, id: string, record: MachineRecord): void {
  writeText(`${containerFolder(root, id)}/${FILE}`, JSON.stringify(record));
}

/** Null where the machine was started by an unikrun that did not keep it. */
export function readMachine(root: string, id: string): MachineRecord | null {
  return JSON.parse(readTextOrNull(`${containerFolder(root, id)}/${FILE}`) ?? "null") as MachineRecord | null;
}
