import type { Firmware } from "../guest/guest.ts";
import type { Accelerator } from "./accelerator.ts";

/** What a machine is whatever it is given at its start. One that is to take the state of another must be the same in this. */
export interface Board {
  readonly accelerator: Accelerator;
  readonly firmware: Firmware;
  readonly memoryMiB: number;
}

/** One that a VMM makes. */
export interface VmmBoard extends Board {
  /** Path of the VMM, without links. */
  readonly qemu: string;
  /** Threads that may read and write its disks. */
  readonly workers: number;
  /** It waits for the state of another (migrate-incoming). */
  readonly incoming?: true;
}

/** What stands for it where a program of the host's runs the guest without QEMU. */
export interface TenderBoard {
  /** Its path, without links. */
  readonly tender: string;
  readonly accelerator: "kvm" | "none";
  readonly memoryMiB: number;
}
