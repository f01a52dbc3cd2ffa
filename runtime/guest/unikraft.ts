/** Unikraft (its plat/kvm) for QEMU on x86-64. */
import { ELF_MACHINE, elfOf } from "./file/elf.ts";
import { elfImage, elfTrouble } from "./file/elf-image.ts";
import type { KernelFile, KernelImage } from "./file/kernel-file.ts";
import { searchTrouble } from "./file/loaded-program.ts";
import type { Marks } from "./file/marks.ts";
import { findMultiboot, MULTIBOOT_SEARCH, multibootImage, multibootTrouble } from "./file/multiboot.ts";
import type { ExitRule, GuestFamily, KernelTraits, Recognition } from "./guest.ts";
import { hasOwnFiles, parameterWords, unikraftVersion, valuesOf } from "./unikraft/info.ts";
import { unikraftLine } from "./unikraft/line.ts";

/** They survive strip. */
const INFO = ".uk_libinfo";
const SECTIONS: readonly string[] = [INFO, ".uk_bootinfo"];

/** What QEMU's debug port is told (plat/common/x86/cpu_native.c), whatever the program returns. */
const DEBUG = { halted: 41, crashed: 42 };

const NO_RANDOM =
  "this Unikraft needs the processor instructions RDRAND and RDSEED for its random numbers, and this machine has none: take a host with KVM, or a QEMU newer than 7.2, which emulates both, or build the kernel without ukrandom";

/** The lines are those of its libraries; the first is said by kernels that were built to say all. */
const EXIT_RULES: readonly ExitRule[] = [
  { line: "*[libukboot] *main returned #", code: "#" },
  { line: "*[libkvmplat] *Crashing", code: 139 },
  { line: "*Could not initialize the HWRNG (#)", code: 134, say: NO_RANDOM },
];

export const unikraft: GuestFamily = {
  name: "unikraft",
  recognizes,
  memory: { defaultMiB: 64, floorMiB: 4, mostMiB: 3583 },
  board: {
    machine: "pc",
    loader: "init",
    firmware: "unikrun",
    acpi: false,
    debugPort: 0x501,
    emulatedProcessor: "max",
  },
  limits: { nics: 8, disks: 0 },
  devices: { modern: false, headers: true, disks: "initrd", dhcp: true, leads: "first card" },
  image,
  traits,
  bootArguments: unikraftLine,
  ending: {
    rules: EXIT_RULES,
    debugCodes: [
      { value: DEBUG.halted, code: "said" },
      { value: DEBUG.crashed, code: "said", atLeast: 134 },
    ],
    reset: "fault",
    stop: "end",
  },
  features: {
    arguments: "yes, but no empty one",
    environment: "as many variables as its kernel was built for",
    cards: "eight",
    addresses: "IPv4",
    gateways: "IPv4",
    routes: "by its gateway's card",
    mtu: "by virtio",
    names: "yes, two",
    hostname: "yes",
    folders: "to read, in its memory",
    images: "no",
    input: "no",
    exitCode: "where its kernel was built to say all; else whether it crashed",
    stop: "ended",
  },
};

function recognizes(marks: Marks): Recognition | null {
  const { elf, multiboot, file } = marks;
  if (!elf) return null;
  const sections = marks.sections().filter(({ name }) => SECTIONS.includes(name));
  if (sections.length === 0) return null;
  const info = sections.find(({ name }) => name === INFO);
  const version = info && unikraftVersion(file, info);
  const found = version === undefined ? {} : { version };
  if (elf.machine !== ELF_MACHINE.x86_64 && elf.machine !== ELF_MACHINE.i386)
    return { ...found, refusal: "not made for x86-64" };
  if (!multiboot)
    return {
      ...found,
      refusal: `it has no multiboot header in its first ${MULTIBOOT_SEARCH} bytes, as those for QEMU have: build it for the platform kvm and the target qemu/x86_64`,
    };
  const trouble =
    (multiboot.addresses ? multibootTrouble(multiboot, file.size) : elfTrouble(elf)) ?? searchTrouble(elf);
  return trouble === null ? found : { ...found, refusal: trouble };
}

function image(kernel: KernelFile): KernelImage {
  const header = findMultiboot(kernel.read(0, MULTIBOOT_SEARCH));
  return header?.addresses ? multibootImage(header, kernel.size) : elfImage(elfOf(kernel));
}

function traits(kernel: KernelFile): KernelTraits {
  const elf = elfOf(kernel);
  const knows = parameterWords(kernel, elf);
  const hasTable = knows.size === 0 || valuesOf(knows, "vfs.fstab") !== undefined;
  const takesFiles = hasTable && !hasOwnFiles(kernel, elf);
  return { files: new Map(), proxy: false, knows, takesFiles };
}
