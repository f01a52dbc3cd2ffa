/** Solo5's targets spt and hvt, which programs of the host's run: a process that can call little, and a machine of KVM's. */
import { ELF_MACHINE, elfOf, SEGMENT } from "./file/elf.ts";
import type { KernelFile, KernelImage } from "./file/kernel-file.ts";
import { searchTrouble } from "./file/loaded-program.ts";
import type { Marks } from "./file/marks.ts";
import type { GuestFamily, Recognition, TenderKind } from "./guest.ts";
import { solo5, solo5Arguments, solo5Rules, solo5Target, solo5Traits } from "./solo5.ts";

export const solo5Spt: GuestFamily = ofTender({
  loader: "tender",
  program: "solo5-spt",
  target: "spt",
  kvm: false,
});

export const solo5Hvt: GuestFamily = ofTender({
  loader: "tender",
  program: "solo5-hvt",
  target: "hvt",
  kvm: true,
});

function ofTender(board: TenderKind): GuestFamily {
  return {
    name: board.program,
    recognizes: (marks) => recognize(marks, board),
    memory: { defaultMiB: 64, floorMiB: 2, mostMiB: 3583 },
    board,
    // A manifest has 64 entries (Solo5's include/mft_abi.h), and a plan as many descriptors.
    limits: { nics: 8, disks: 15 },
    devices: { modern: false, headers: false, disks: "blocks" },
    image,
    traits: solo5Traits,
    bootArguments: solo5Arguments,
    ending: { rules: solo5Rules, reset: "fault", stop: "end" },
    features: { ...solo5.features, exitCode: "yes" },
  };
}

function recognize({ notes, elf }: Marks, { target }: TenderKind): Recognition | null {
  const found = solo5Target({ notes });
  if (found?.target !== target) return null;
  if (elf?.machine !== ELF_MACHINE.x86_64) return { ...found, refusal: "not made for x86-64" };
  const trouble = searchTrouble(elf);
  return trouble === null ? found : { ...found, refusal: trouble };
}

/** Loaded by its tender. */
function image(kernel: KernelFile): KernelImage {
  const { entry, segments } = elfOf(kernel);
  const ends = segments
    .filter(({ type }) => type === SEGMENT.load)
    .map(({ address, memory }) => address + memory);
  return { entry, pieces: [], end: Math.max(0, ...ends) };
}
