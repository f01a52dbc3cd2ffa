/** What is decided of a guest that a tender of the host's runs: nothing of it begins before the start. */
import type { Directive } from "../../../native/directives.ts";
import { UnikrunError } from "../../error.ts";
import type { GuestFamily, TenderKind } from "../../guest/guest.ts";
import { whyNoDevice } from "../../machine/accelerator.ts";
import type { RunPlan } from "../../machine/plan.ts";
import { findTender, tenderDirectives } from "../../machine/tender.ts";
import { tapName } from "../../network/taps.ts";
import { type Container, type GuestRecord, type TenderRecord, uidOf } from "../record/container.ts";
import type { HostSettings } from "../settings/host.ts";
import { cagePlace, decideMemory } from "./board.ts";
import type { Boot } from "./boot.ts";

/** Throws UnikrunError where this host can't run it. */
export function decideTender(options: {
  id: string;
  family: GuestFamily;
  guest: GuestRecord;
  board: TenderKind;
  settings: HostSettings;
}): TenderRecord {
  const { id, family, guest, board, settings } = options;
  const { program, target, kvm } = board;
  const tender = findTender(id, board, settings[program]);
  const missing = kvm ? whyNoDevice() : null;
  if (missing !== null)
    throw new UnikrunError(
      `Container ${id}: its unikernel is built for Solo5's target ${target}, which needs KVM, and that can't be used here, as ${missing}: build it with -t spt, which needs none, or with -t virtio, which QEMU can emulate.`,
    );
  if (guest.warm !== undefined)
    throw new UnikrunError(
      `Container ${id}: a ${family.name} guest can't be kept for warm starts, since its tender can't save it: take "warm" out of its settings.`,
    );
  return {
    tender,
    accelerator: kvm ? "kvm" : "none",
    memoryMiB: decideMemory({ id, family, guest, vmm: "tender" }),
  };
}

/** What its init is told at the start. Throws UnikrunError for a disk that no tender reads. */
export function tenderPlan(options: {
  root: string;
  container: Container;
  boot: Boot;
  board: TenderRecord;
  run: RunPlan;
}): Directive[] {
  const { root, container, boot, board, run } = options;
  const { id, rootfs, guest } = container;
  const { disks, machine, declared = [] } = boot;
  const strange = disks.find(({ format }) => format !== "raw");
  if (strange)
    throw new UnikrunError(
      `Container ${id} can't be started: ${strange.source ?? strange.mountpoint} is a ${strange.format} image, and a tender reads disks as they are: convert it (qemu-img convert -O raw).`,
    );
  return tenderDirectives({
    ...run,
    tender: board,
    nics: machine.nics,
    taps: machine.nics.map((_, card) => tapName(id, card)),
    declared,
    cage: cagePlace(root, container),
    rootfs,
    detachMounts: !guest.newMounts,
    kernel: { path: guest.kernel, onHost: guest.kernelOnHost },
    uid: uidOf("vmm", container),
    bootArguments: machine.bootArguments,
  });
}
