/** What a Linux kernel's file says of itself: a bzImage (the kernel's Documentation/arch/x86/boot.rst), or an ELF file with an entry for PVH. */
import { ELF_MACHINE, type Elf, elfOf } from "../file/elf.ts";
import { imageForQemu } from "../file/elf-image.ts";
import type { KernelFile, KernelImage } from "../file/kernel-file.ts";
import type { Marks } from "../file/marks.ts";
import { hasXenEntry, isGuestOs, type Note } from "../file/notes.ts";
import type { Recognition } from "../guest.ts";

/** The fields of struct setup_header that are looked at, by their places in the file. */
const FIELD = {
  sectors: 0x1f1,
  size: 0x1f4,
  magic: 0x202,
  protocol: 0x206,
  versionText: 0x20e,
  flags: 0x211,
  address: 0x258,
  memory: 0x260,
} as const;

const HEADER_END = 0x268;
const SECTOR = 512;
/** The first that says how much memory the kernel needs, 2.10 of Linux 2.6.31. */
const OLDEST = 0x20a;
const LOADED_HIGH = 1;

/** Of the kernel's include/linux/build-salt.h: distributions make it of the version. */
const BUILD_SALT = 0x100;

export function recognizeLinux(marks: Marks): Recognition | null {
  if (marks.elf) return recognizePvh(marks.elf, marks.notes);
  return isBzImage(marks.head) ? recognizeBzImage(marks) : null;
}

const isBzImage = (head: Buffer): boolean => head.toString("latin1", FIELD.magic, FIELD.magic + 4) === "HdrS";

function recognizeBzImage({ head, file }: Marks): Recognition {
  const found = { target: "bzImage" };
  if (head.length < HEADER_END) return { ...found, refusal: `it is truncated: it has ${head.length} bytes` };
  const protocol = head.readUInt16LE(FIELD.protocol);
  if (protocol < OLDEST)
    return {
      ...found,
      refusal: `its boot protocol is ${versionOf(protocol)}, and the oldest that is spoken is ${versionOf(OLDEST)} (Linux 2.6.31)`,
    };
  if (!(head.readUInt8(FIELD.flags) & LOADED_HIGH))
    return { ...found, refusal: "it is a zImage, which is loaded below 1 MiB: build a bzImage" };
  const setup = setupSize(head);
  const size = setup + head.readUInt32LE(FIELD.size) * 16;
  if (size > file.size)
    return { ...found, refusal: `it is truncated: it has ${file.size} bytes, and its header says ${size}` };
  return { ...found, ...versionText(file, head, setup) };
}

const versionOf = (protocol: number): string =>
  `${protocol >> 8}.${String(protocol & 0xff).padStart(2, "0")}`;

/** Bytes of what runs in real mode. */
const setupSize = (head: Buffer): number => ((head.readUInt8(FIELD.sectors) || 4) + 1) * SECTOR;

/** "6.1.0-56-cloud-amd64", the first word of the text that the header points to. */
function versionText(file: KernelFile, head: Buffer, setup: number): Pick<Recognition, "version"> {
  const LONGEST = 128;
  const place = head.readUInt16LE(FIELD.versionText);
  if (place === 0 || place + SECTOR + LONGEST > setup) return {};
  const [version] = /^[\x21-\x7e]+/.exec(file.read(place + SECTOR, LONGEST).toString("latin1")) ?? [];
  return version === undefined ? {} : { version };
}

function recognizePvh(elf: Elf, notes: readonly Note[]): Recognition | null {
  if (!isGuestOs(notes, "linux")) return null;
  const salt = notes.find(({ owner, type }) => owner === "Linux" && type === BUILD_SALT)?.content;
  const [version] = /^[\x21-\x7e]+/.exec(salt?.toString("latin1") ?? "") ?? [];
  const found = { target: "PVH", ...(version === undefined ? {} : { version }) };
  if (elf.bits !== 64 || elf.machine !== ELF_MACHINE.x86_64)
    return { ...found, refusal: "it is not made for x86-64" };
  if (!hasXenEntry(notes))
    return { ...found, refusal: "it has no entry for PVH: build it with CONFIG_PVH, or take its bzImage" };
  return found;
}

/** QEMU loads it; what it takes is asked before. */
export function linuxImage(kernel: KernelFile): KernelImage {
  const head = kernel.read(0, HEADER_END);
  if (isBzImage(head) && head.length === HEADER_END) {
    const entry = Number(head.readBigUInt64LE(FIELD.address));
    return { entry, pieces: [], end: entry + head.readUInt32LE(FIELD.memory) };
  }
  return imageForQemu(elfOf(kernel));
}
