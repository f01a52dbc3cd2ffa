/** A container's VMM with the board of its machine: made when the container is created, so that a start need not wait for it. */
import { sendPlan } from "../../../native/channel.ts";
import { encodeDirectives } from "../../../native/directives.ts";
import { UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import { debug, warn } from "../../log.ts";
import { chooseAccelerator } from "../../machine/choose-accelerator.ts";
import { guestMemory } from "../../machine/memory.ts";
import { boardDirectives, VMM_UIDS } from "../../machine/plan.ts";
import { probeHost } from "../../machine/probe.ts";
import { findQemu } from "../../machine/qemu.ts";
import {
  type BoardRecord,
  type Container,
  containerFolder,
  type GuestRecord,
  type SavedBoard,
} from "../record/container.ts";
import { annotationSettings, type OperatorSettings } from "../settings/guest.ts";
import type { HostSettings } from "../settings/host.ts";
import { allowedWorkers } from "./pids.ts";

/** Throws UnikrunError for what its guest can't be given. */
export async function decideBoard(options: {
  id: string;
  annotations: Readonly<Record<string, string>>;
  guest: GuestRecord;
  settings: HostSettings;
  saved: SavedBoard | undefined;
}): Promise<BoardRecord> {
  const { id, guest, settings, saved } = options;
  const family = familyNamed(guest.family);
  const own = await annotationSettings(options.annotations);
  const { accelerator, say }: Pick<BoardRecord, "accelerator" | "say"> =
    saved ?? (await chooseForNew(own, settings));
  const memoryMiB = guestMemory({
    containerId: id,
    limit: guest.memoryLimit,
    wanted: saved?.memoryMiB ?? guest.memory,
    family,
    accelerator,
  });
  const needed = Math.ceil(guest.image.end / 2 ** 20);
  if (needed > memoryMiB) {
    throw new UnikrunError(
      `Container ${id}: its unikernel ${guest.kernel} takes ${needed} MiB as soon as it is loaded, and its guest has ${memoryMiB} MiB: give it more (org.unikrun.memory, or a larger limit).`,
    );
  }
  return {
    accelerator,
    firmware: saved?.firmware ?? own.firmware ?? settings.firmware ?? family.board.firmware,
    memoryMiB,
    ...(say === undefined || accelerator === "kvm" ? {} : { say }),
    ...(saved ? { incoming: true } : {}),
  };
}

async function chooseForNew(
  own: OperatorSettings,
  settings: HostSettings,
): Promise<Pick<BoardRecord, "accelerator" | "say">> {
  const probe = probeHost(findQemu(settings.qemu));
  const choice = await chooseAccelerator(probe, own.accelerator ?? settings.accelerator);
  const { accelerator, emulated } = choice;
  if (emulated !== undefined && choice.isNews) await warn(`${emulated}.`);
  const isSaid = own.sayEmulated ?? settings.sayEmulated ?? false;
  return { accelerator, ...(isSaid && emulated !== undefined ? { say: emulated } : {}) };
}

/** SeaBIOS has the kernel's command line from QEMU's, so its board can't be made before that is known. */
export const isMadeEarly = ({ firmware }: BoardRecord): boolean => firmware === "unikrun";

/**
 * Has init make the board, and returns at once: what goes wrong is told by the start. `bootArguments`: the kernel's command line, for a
 * board that is not made early.
 */
export async function makeBoard(
  root: string,
  container: Container,
  settings: HostSettings,
  bootArguments?: string,
): Promise<void> {
  const { id, guest, board, pid } = container;
  const { host } = probeHost(findQemu(settings.qemu));
  const folder = containerFolder(root, id);
  const plan = boardDirectives({
    host,
    board: {
      qemu: host.qemu,
      containerId: id,
      board: familyNamed(guest.family).board,
      ...board,
      workers: allowedWorkers(container),
      ...(bootArguments === undefined ? {} : { bootArguments }),
    },
    cage: folder,
    rootfs: container.rootfs,
    detachMounts: !guest.newMounts,
    kernel: { path: guest.kernel, onHost: guest.kernelOnHost, image: guest.image },
    uid: VMM_UIDS + pid,
    apparmor: guest.apparmor,
    selinux: guest.selinux,
  });
  await debug(() => plan.map(([key, value]) => `Container ${id}: board: ${key} ${value}`));
  using _sent = sendPlan(folder, encodeDirectives(plan), []);
}
