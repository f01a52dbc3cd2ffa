import { namedDisks } from "../../disk/wanted.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { classify } from "../../guest/detect.ts";
import type { KernelImage } from "../../guest/file/kernel-file.ts";
import type { GuestFamily } from "../../guest/guest.ts";
import { warn } from "../../log.ts";
import {
  ANNOTATION_PREFIX,
  annotationSettings,
  type GuestSettings,
  IMAGE_SETTINGS,
  imageSettings,
  type MachineSettings,
  mergeSettings,
  type OperatorSettings,
} from "../settings/guest.ts";
import type { Vm } from "../spec/oci.ts";
import { companionOf } from "./companion.ts";
import { candidatePaths, type ImageFile, openImageFile, readImageText } from "./image-file.ts";
import type { Outline } from "./outline.ts";

export interface FoundGuest {
  readonly family: GuestFamily;
  /** Inside the root file system, or on the host. */
  readonly kernel: string;
  readonly kernelOnHost: boolean;
  readonly kernelIdentity: string;
  readonly image: KernelImage;
  /** Whether its board has ACPI, where that is not the same for all of its family. */
  readonly acpi?: boolean;
  /** The second file that it boots with, if there is one; a path as the kernel's. */
  readonly companion?: string;
  /** Before the container's own, after argv[0]. */
  readonly firstArgs: readonly string[];
  /** MiB, if somebody said how much. */
  readonly memory?: number;
  /** What of the image is to be on disks; absent if nobody said. */
  readonly disks?: GuestSettings["disks"];
  /** The port whose listening says that it can be kept for warm starts. */
  readonly warm?: number;
  /** What the operator wants of its machine. */
  readonly machine: MachineSettings;
}

/** What of config.json decides. */
export interface Bundle extends Pick<Outline, "process" | "annotations"> {
  readonly id: string;
  /** Absolute. */
  readonly rootfs: string;
  readonly vm?: Vm;
}

/**
 * Finds the unikernel that a bundle holds: the file that its settings or its first argument names.
 * Null where that file is an ordinary program.
 */
export async function findGuest(bundle: Bundle): Promise<FoundGuest | null> {
  const { id, rootfs, process } = bundle;
  const settings = await guestSettings(bundle);
  if (!settings) return null;
  const vm = vmKernel(bundle);
  if (process.args.length === 0) {
    if (!vm && settings.kernel === undefined) return null;
    throw new UnikrunError(
      `Container ${id}: process.args in config.json is empty: its first entry must name the unikernel or program.`,
    );
  }
  using kernel = vm ? openImageFile("/", vm) : openKernel(rootfs, settings.kernel, process);
  if (!kernel && vm) {
    throw new UnikrunError(
      `Container ${id}: vm.kernel.path ${vm} of config.json is not a file of this host.`,
    );
  }
  if (!kernel) {
    if (settings.kernel === undefined) return null;
    throw new UnikrunError(
      `Container ${id}: the unikernel ${settings.kernel} is not in the image: see "kernel" in its settings.`,
    );
  }
  const family = familyOf(id, kernel, settings, vm !== null);
  if (!family) return null;
  const companion = companionOf({
    id,
    root: vm ? "/" : rootfs,
    family,
    settings,
    initrd: bundle.vm?.kernel.initrd,
  });
  if (settings.disks) namedDisks(id, rootfs, settings.disks);
  return {
    family,
    kernel: kernel.path,
    kernelOnHost: vm !== null,
    kernelIdentity: kernel.identity,
    image: family.image(kernel),
    ...(family.needsAcpi ? { acpi: family.needsAcpi(kernel) } : {}),
    ...(companion === undefined ? {} : { companion }),
    firstArgs: settings.args ?? [],
    machine: settings,
    ...(settings.disks === undefined ? {} : { disks: settings.disks }),
    ...(settings.memory === undefined ? {} : { memory: settings.memory }),
    ...(settings.warm === undefined ? {} : { warm: settings.warm }),
  };
}

/** Null where they can't be read, name no unikernel, and what is started is an ordinary program of the image. */
async function guestSettings({ rootfs, process, annotations }: Bundle): Promise<OperatorSettings | null> {
  let text: string | null = null;
  try {
    text = readImageText(rootfs, IMAGE_SETTINGS);
    return mergeSettings(
      text === null ? {} : await imageSettings(text, `${IMAGE_SETTINGS} of the image`),
      await annotationSettings(annotations),
    );
  } catch (error) {
    const isNamed =
      /"(kernel|family)"\s*:/.test(text ?? "") ||
      ["kernel", "family"].some((name) => annotations[`${ANNOTATION_PREFIX}${name}`] !== undefined);
    using program = isNamed ? null : openKernel(rootfs, undefined, process);
    if (!program || classify(program).kind !== "program") throw error;
    await warn(`${reasonOf(error)} The container runs without them, as an ordinary program.`);
    return null;
  }
}

function openKernel(
  rootfs: string,
  wanted: string | undefined,
  process: { args: readonly string[]; cwd: string; env: readonly string[] },
): ImageFile | null {
  if (wanted !== undefined) return openImageFile(rootfs, wanted);
  const [name] = process.args;
  if (name === undefined) return null;
  for (const path of candidatePaths(name, process)) {
    const file = openImageFile(rootfs, path);
    if (file) return file;
  }
  return null;
}

/** Null where it is for another runtime and nobody called it a unikernel. */
function familyOf(id: string, kernel: ImageFile, settings: GuestSettings, isVm: boolean): GuestFamily | null {
  const place = isVm ? `vm.kernel.path ${kernel.path} of config.json` : `${kernel.path} in the image`;
  const cantBoot = (why: string): UnikrunError =>
    new UnikrunError(`Container ${id}: ${place} can't be booted: ${why}.`);
  const isNamed = isVm || settings.kernel !== undefined || settings.family !== undefined;
  const found = classify(kernel);
  switch (found.kind) {
    case "guest":
      if (settings.family !== undefined && settings.family !== found.family.name) {
        throw new UnikrunError(
          `Container ${id}: ${kernel.path} is a ${found.family.name} unikernel, not a ${settings.family} one: correct "family" in its settings.`,
        );
      }
      return found.family;
    case "program":
      if (!isNamed) return null;
      throw new UnikrunError(
        isVm
          ? `Container ${id}: ${place} is an ordinary program and no unikernel.`
          : `Container ${id}: ${place} is an ordinary program and no unikernel: correct "kernel" in its settings.`,
      );
    case "unknown":
      if (!isNamed) return null;
      throw cantBoot(found.why);
    case "broken":
      throw cantBoot(found.why);
  }
}

/** config-vm.md: the kernel is a file of the host. */
function vmKernel({ id, vm }: Bundle): string | null {
  if (!vm) return null;
  const refused = vm.hypervisor ? "hypervisor" : vm.image ? "image" : undefined;
  if (refused) {
    throw new UnikrunError(
      `Container ${id}: vm.${refused} of config.json is not supported: leave it out (QEMU's path is set in /etc/unikrun/config.json, disks in /unikrun.json).`,
    );
  }
  return vm.kernel.path;
}
