import { placeProgram } from "../../native/program-tree.ts";
import type { BoardKind } from "../guest/guest.ts";
import type { Accelerator } from "./accelerator.ts";
import type { VmmBoard } from "./board.ts";
import { debugArguments } from "./debug-port.ts";
import { firmwareArguments } from "./firmware.ts";
import { kernelArguments } from "./kernel.ts";
import { MEMORY_ID, memoryArguments, translationBuffer } from "./memory.ts";
import { monitorArguments } from "./monitor.ts";
import { qemuOption } from "./option.ts";
import { SANDBOX } from "./sandbox.ts";
import { serialArguments } from "./serial.ts";
import { threadArguments } from "./threads.ts";

/** What decides QEMU's command line; paths inside the cage are fixed, so no name of an image is among it. */
export interface VmmCommand extends VmmBoard {
  readonly containerId: string;
  readonly board: BoardKind;
  readonly hasInitrd: boolean;
}

/** QEMU's whole command, its own path first. */
export function commandLine(machine: VmmCommand): string[] {
  return [
    placeProgram(machine.qemu).path,
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    // init lets the guest go once it has everything.
    "-S",
    ...["-display", "none"],
    ...["-name", qemuOption(`unikrun-${machine.containerId}`, {})],
    ...boardArguments(machine.board, MEMORY_ID),
    ...accelerationArguments(machine.accelerator, machine.board),
    ...memoryArguments(machine.memoryMiB),
    ...threadArguments(machine.workers),
    ...SANDBOX,
    ...monitorArguments(),
    ...serialArguments(),
    ...debugArguments(machine.board),
    ...firmwareArguments(machine.firmware),
    ...kernelArguments(machine),
    ...(machine.incoming ? ["-incoming", "defer"] : []),
  ];
}

/** ACPI's tables take QEMU 9 ms and 2 MiB, so only those have them that need them. */
export function boardArguments(
  { machine, acpi, hpet }: Pick<BoardKind, "machine" | "acpi" | "hpet">,
  memory: string,
): string[] {
  const devices = { acpi: acpi ? "on" : "off", usb: "off", vmport: "off", hpet: hpet ? "on" : "off" };
  return ["-M", qemuOption(machine, { ...devices, "memory-backend": memory })];
}

export const accelerationArguments = (
  accelerator: Accelerator,
  board: Pick<BoardKind, "emulatedProcessor" | "translationMiB"> = {},
): string[] =>
  accelerator === "kvm"
    ? ["-accel", "kvm", "-cpu", "host"]
    : [
        ...["-accel", qemuOption("tcg", { "tb-size": translationBuffer(board) })],
        ...(board.emulatedProcessor === undefined ? [] : ["-cpu", board.emulatedProcessor]),
      ];
