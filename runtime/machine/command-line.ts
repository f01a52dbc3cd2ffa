import type { GuestFamily } from "../guest/guest.ts";
import type { Nic } from "../network/nics.ts";
import type { Accelerator } from "./accelerator.ts";
import { type DiskArguments, diskArguments } from "./disk.ts";
import { firmwareArguments } from "./firmware.ts";
import { TRANSLATION_BUFFER } from "./memory.ts";
import { monitorArguments } from "./monitor.ts";
import { FIRST_FD, nicArguments } from "./nic.ts";
import { qemuOption } from "./option.ts";
import { SANDBOX } from "./sandbox.ts";
import { serialArguments } from "./serial.ts";
import { threadArguments } from "./threads.ts";

/** Everything that decides a machine; paths inside the cage are fixed, so no name of an image is among it. */
export interface Machine {
  readonly qemu: string;
  readonly containerId: string;
  readonly accelerator: Accelerator;
  readonly board: GuestFamily["board"];
  readonly memoryMiB: number;
  /** Threads that may read and write its disks. */
  readonly workers: number;
  /** The kernel's command line, as the guest family composed it. */
  readonly bootArguments: string;
  readonly nics: readonly Pick<Nic, "mac" | "mtu">[];
  readonly disks: readonly Omit<DiskArguments, "disk" | "fd">[];
  /** It waits for the state of another (migrate-incoming). */
  readonly incoming?: boolean;
}

/** The cage's names for what comes from the image. */
export const KERNEL_PATH = "guest/kernel";

/** QEMU's whole command, its own path first. */
export function commandLine(machine: Machine): string[] {
  return [
    machine.qemu,
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    // init lets the guest go once the VMM is up.
    "-S",
    ...["-display", "none"],
    ...["-name", qemuOption(`unikrun-${machine.containerId}`, {})],
    ...boardArguments(machine.board),
    ...firmwareArguments(machine.board.firmware),
    ...accelerationArguments(machine.accelerator),
    ...["-m", `${machine.memoryMiB}M`],
    ...threadArguments(machine.workers),
    ...SANDBOX,
    ...monitorArguments(),
    ...serialArguments(),
    ...machine.nics.flatMap((nic, card) => nicArguments({ card, mac: nic.mac, mtu: nic.mtu })),
    ...machine.disks.flatMap((each, disk) =>
      diskArguments({ ...each, disk, fd: FIRST_FD + machine.nics.length + disk }),
    ),
    ...["-kernel", `/${KERNEL_PATH}`],
    ...["-append", machine.bootArguments],
    ...(machine.incoming ? ["-incoming", "defer"] : []),
  ];
}

export function boardArguments(board: Pick<GuestFamily["board"], "machine" | "acpi">): string[] {
  const devices = { acpi: board.acpi ? "on" : "off", usb: "off", vmport: "off", hpet: "off" };
  return ["-M", qemuOption(board.machine, devices)];
}

export const accelerationArguments = (accelerator: Accelerator): string[] =>
  accelerator === "kvm"
    ? ["-accel", "kvm", "-cpu", "host"]
    : ["-accel", qemuOption("tcg", { "tb-size": TRANSLATION_BUFFER })];
