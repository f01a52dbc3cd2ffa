/** A container's VMM with the board of its machine: made when the container is created, so that a start need not wait for it. */
import { sendPlan } from "../../../native/channel.ts";
import { encodeDirectives } from "../../../native/directives.ts";
import { UnikrunError } from "../../error.ts";
import type { BoardKind, Firmware, GuestFamily } from "../../guest/guest.ts";
import { debug, warn } from "../../log.ts";
import type { Board } from "../../machine/board.ts";
import { chooseAccelerator } from "../../machine/choose-accelerator.ts";
import type { Kernel } from "../../machine/kernel.ts";
import { guestMemory, type Vmm } from "../../machine/memory.ts";
import { boardDirectives } from "../../machine/plan.ts";
import type { Probe } from "../../machine/probe.ts";
import type { Host } from "../../machine/qemu.ts";
import {
  type Container,
  containerFolder,
  type GuestRecord,
  type QemuRecord,
  uidOf,
} from "../record/container.ts";
import type { MachineSettings } from "../settings/guest.ts";
import type { HostSettings } from "../settings/host.ts";
import { limitedWorkers } from "./pids.ts";

/** Throws UnikrunError for what its guest can't be given. */
export async function decideBoard(options: {
  id: string;
  family: GuestFamily;
  guest: GuestRecord;
  board: BoardKind;
  /** The operator's. */
  machine: MachineSettings;
  settings: HostSettings;
  /** Of processes, as in config.json. */
  pidsLimit: number | undefined;
  saved: Board | undefined;
  vmm: Probe;
}): Promise<QemuRecord> {
  const { id, family, guest, board, machine, settings, pidsLimit, saved, vmm } = options;
  const { accelerator, emulated, say } = saved
    ? chooseForSaved(saved)
    : await chooseForNew(machine, settings, vmm);
  const memoryMiB = decideMemory({ id, family, guest, vmm: accelerator, wanted: saved?.memoryMiB });
  return {
    qemu: vmm.host.qemu,
    accelerator,
    firmware:
      saved?.firmware ??
      chooseFirmware({ id, family, board, own: machine.firmware, host: settings.firmware }),
    memoryMiB,
    workers: limitedWorkers(pidsLimit),
    ...(emulated ? { emulated } : {}),
    ...(say === undefined ? {} : { say }),
    ...(saved ? { incoming: true } : {}),
  };
}

/** What the operator asks for has to be possible; the host's setting is for those that have a choice. */
function chooseFirmware(options: {
  id: string;
  family: GuestFamily;
  board: BoardKind;
  own: Firmware | undefined;
  host: Firmware | undefined;
}): Firmware {
  const { id, family, board, own, host } = options;
  // Only ours hands files to a kernel that init loads.
  if (board.loader === "init" && family.devices.disks !== "initrd") return own ?? host ?? board.firmware;
  if (own === undefined || own === board.firmware) return board.firmware;
  throw new UnikrunError(
    `Container ${id}: a ${family.name} guest can't be booted with the firmware ${own}, only with ${board.firmware}: take out the annotation org.unikrun.firmware.`,
  );
}

/** Its family's, or its own. */
export function boardKindOf({ name, board }: GuestFamily, { acpi }: GuestRecord): BoardKind {
  if (board.loader === "tender") throw new Error(`${name} guests have no board of QEMU's`);
  return acpi === undefined ? board : { ...board, acpi };
}

/** Of two files that a machine boots with one is the kernel, and the other its initrd. */
function kernelOf(guest: GuestRecord, { companion }: GuestFamily): Kernel {
  const { kernel: own, companion: other, kernelOnHost: onHost, image } = guest;
  if (other === undefined) return { path: own, onHost, image };
  return companion?.role === "loader"
    ? { path: other, onHost, image, initrd: own }
    : { path: own, onHost, image, initrd: other };
}

/** MiB. Throws UnikrunError where its guest can't have as much as it needs. */
export function decideMemory(options: {
  id: string;
  family: GuestFamily;
  guest: GuestRecord;
  vmm: Vmm;
  /** MiB, whatever the image says. */
  wanted?: number | undefined;
}): number {
  const { id, family, guest, vmm, wanted = guest.memory } = options;
  const memoryMiB = guestMemory({ containerId: id, limit: guest.memoryLimit, wanted, family, vmm });
  const needed = Math.ceil(guest.image.end / 2 ** 20);
  if (needed <= memoryMiB) return memoryMiB;
  throw new UnikrunError(
    `Container ${id}: its unikernel ${guest.kernel} takes ${needed} MiB as soon as it is loaded, and its guest has ${memoryMiB} MiB: give it more (org.unikrun.memory, or a larger limit).`,
  );
}

type Chosen = Pick<QemuRecord, "accelerator" | "emulated" | "say">;

/** A saved guest goes on as it was. */
const chooseForSaved = ({ accelerator }: Board): Chosen => ({
  accelerator,
  ...(accelerator === "tcg"
    ? {
        emulated: {
          why: "the guest is emulated (TCG), as it was when it was saved",
          advice: "start it anew, without the checkpoint, where KVM works (unikrun check)",
        },
      }
    : {}),
});

async function chooseForNew(own: MachineSettings, settings: HostSettings, vmm: Probe): Promise<Chosen> {
  const choice = await chooseAccelerator(vmm, own.accelerator ?? settings.accelerator);
  const { accelerator, emulated } = choice;
  if (!emulated) return { accelerator };
  if (choice.isNews) await warn(`${emulated.why}.`);
  const isSaid = own.sayEmulated ?? settings.sayEmulated ?? false;
  return {
    accelerator,
    emulated,
    ...(isSaid ? { say: `${emulated.why} (what to do: ${emulated.advice})` } : {}),
  };
}

/** Has init make the board, and returns at once: what goes wrong is told by the start. A tender has none. */
export async function makeBoard(options: {
  root: string;
  container: Container;
  family: GuestFamily;
  host: Host;
}): Promise<void> {
  const { root, container, family, host } = options;
  const { id, guest, board } = container;
  if (board.tender !== undefined || family.board.loader === "tender") return;
  const folder = containerFolder(root, id);
  const kernel = kernelOf(guest, family);
  const plan = boardDirectives({
    host,
    board: {
      containerId: id,
      board: boardKindOf(family, guest),
      hasInitrd: kernel.initrd !== undefined,
      ...board,
    },
    cage: cagePlace(root, container),
    rootfs: container.rootfs,
    detachMounts: !guest.newMounts,
    kernel,
    uid: uidOf("vmm", container),
    apparmor: guest.apparmor,
    selinux: guest.selinux,
  });
  using devices = guest.users && (await import("./lent-devices.ts")).lendDevices(container, plan);
  await debug(() => plan.map(([key, value]) => `Container ${id}: board: ${key} ${value}`));
  using _sent = sendPlan(folder, encodeDirectives(plan), devices ? [devices.fd] : []);
}

/** Seen by the VMM's mount namespace alone: in a user namespace a folder that its root gets to, and that the VMM needs nothing of. */
export const cagePlace = (root: string, { id, guest }: Pick<Container, "id" | "guest">): string =>
  guest.users ? "/sys" : containerFolder(root, id);
