import { namedDisks } from "../disk/wanted.ts";
import { UnikrunError } from "../error.ts";
import { classify } from "../guest/detect.ts";
import type { GuestFamily } from "../guest/guest.ts";
import { candidatePaths, type ImageFile, openImageFile, readImageText } from "./entrypoint.ts";
import type { Spec } from "./oci.ts";
import { annotationSettings, type GuestSettings, imageSettings, mergeGuestSettings } from "./settings.ts";

export interface FoundGuest {
  readonly family: GuestFamily;
  /** Inside the root file system, or on the host. */
  readonly kernel: string;
  readonly kernelOnHost: boolean;
  /** argv of the program, argv[0] first. */
  readonly args: readonly string[];
  /** MiB, if somebody said how much. */
  readonly memory?: number;
  /** What of the image is to be on disks; absent if nobody said. */
  readonly disks?: GuestSettings["disks"];
}

/** The image's settings; the operator's annotations win over them. */
const IMAGE_SETTINGS = "/unikrun.json";

/**
 * Finds the unikernel that a bundle holds: the file that its settings or its first argument names.
 * Null where that file is an ordinary program.
 */
export async function findGuest(options: {
  id: string;
  rootfs: string;
  spec: Spec;
}): Promise<FoundGuest | null> {
  const { id, rootfs, spec } = options;
  const text = readImageText(rootfs, IMAGE_SETTINGS);
  const settings = mergeGuestSettings(
    text === null ? {} : await imageSettings(text, `${IMAGE_SETTINGS} of the image`),
    await annotationSettings(spec.annotations ?? {}),
  );
  const process = {
    args: spec.process?.args ?? [],
    cwd: spec.process?.cwd ?? "/",
    env: spec.process?.env ?? [],
  };
  if (process.args.length === 0) {
    throw new UnikrunError(
      `Container ${id}: process.args in config.json is empty: its first entry must name the unikernel or program.`,
    );
  }
  const vm = vmKernel(id, spec);
  using kernel = vm ? openImageFile("/", vm.path) : openKernel(rootfs, settings.kernel, process);
  if (!kernel && vm) {
    throw new UnikrunError(
      `Container ${id}: vm.kernel.path ${vm.path} of config.json is not a file of this host.`,
    );
  }
  if (!kernel) {
    if (settings.kernel === undefined) return null;
    throw new UnikrunError(
      `Container ${id}: the unikernel ${settings.kernel} is not in the image: see "kernel" in its settings.`,
    );
  }
  const family = familyOf(id, kernel, settings);
  if (!family) return null;
  if (settings.disks) namedDisks(id, rootfs, settings.disks);
  const [name = kernel.path, ...rest] = process.args;
  return {
    family,
    kernel: kernel.path,
    kernelOnHost: vm !== null,
    args: [name, ...(settings.args ?? []), ...rest, ...(vm?.parameters ?? [])],
    ...(settings.disks === undefined ? {} : { disks: settings.disks }),
    ...(settings.memory === undefined ? {} : { memory: settings.memory }),
  };
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

/** Null where it is a program for another runtime and nobody called it a unikernel. */
function familyOf(id: string, kernel: ImageFile, settings: GuestSettings): GuestFamily | null {
  const isNamed = settings.kernel !== undefined || settings.family !== undefined;
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
        `Container ${id}: ${kernel.path} in the image is an ordinary program and no unikernel: correct "kernel" in its settings.`,
      );
    case "broken":
      throw new UnikrunError(`Container ${id}: ${kernel.path} in the image can't be booted: ${found.why}.`);
  }
}

/** config-vm.md: the kernel is a file of the host, and its parameters follow the container's arguments. */
function vmKernel(id: string, spec: Spec): { path: string; parameters: readonly string[] } | null {
  const { vm } = spec;
  if (!vm) return null;
  const refused = vm.hypervisor
    ? "hypervisor"
    : vm.image
      ? "image"
      : vm.kernel.initrd
        ? "kernel.initrd"
        : undefined;
  if (refused) {
    throw new UnikrunError(
      `Container ${id}: vm.${refused} of config.json is not supported: leave it out (QEMU's path is set in /etc/unikrun/config.json, disks in /unikrun.json).`,
    );
  }
  return { path: vm.kernel.path, parameters: vm.kernel.parameters ?? [] };
}
