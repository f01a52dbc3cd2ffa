/** A kernel that is loaded by its ELF program headers, as Multiboot 0.6.96 has it where a header carries no addresses. */
import { type Elf, SEGMENT, type Segment } from "./elf.ts";
import type { KernelImage } from "./kernel-file.ts";

const LOW_MEMORY = 0x100000;
const HIGHEST = 2 ** 32;
const MOST_SEGMENTS = 64;

/** Of what is loaded; what has no bytes in memory is nothing. */
const loadedSegments = ({ segments }: Elf): readonly Segment[] =>
  segments.filter(({ type, memory }) => type === SEGMENT.load && memory > 0);

/** The entry point is a virtual address, and what is loaded lies at physical ones. */
function entryOf(elf: Elf): number | undefined {
  const segment = loadedSegments(elf).find(
    ({ address, memory }) => elf.entry >= address && elf.entry < address + memory,
  );
  return segment && elf.entry - segment.address + segment.physical;
}

/** What the headers of a file without trouble say. */
export function elfImage(elf: Elf): KernelImage {
  const entry = entryOf(elf);
  if (entry === undefined) throw new Error("the file has no entry point");
  const segments = loadedSegments(elf);
  return {
    entry,
    pieces: segments
      .filter(({ size }) => size > 0)
      .map(({ offset, size, physical }) => ({ offset, size, address: physical })),
    end: Math.max(...segments.map(({ physical, memory }) => physical + memory)),
  };
}

/** Of a file that QEMU loads, by PVH or with its own multiboot loader. */
export const imageForQemu = (elf: Elf): KernelImage => ({
  entry: elf.entry,
  pieces: [],
  end: Math.max(0, ...loadedSegments(elf).map(({ physical, memory }) => physical + memory)),
});

/** Why a file can't be loaded by its program headers, a clause; null where it can. */
export function elfTrouble(elf: Elf): string | null {
  const segments = loadedSegments(elf);
  if (segments.length === 0) return "it has no program headers that say what to load: it was cut or altered";
  if (segments.length > MOST_SEGMENTS) return `it has ${segments.length} segments, and no kernel has so many`;
  if (segments.some(({ size, memory }) => size > memory)) return "its program headers contradict one another";
  if (segments.some(({ physical }) => physical < LOW_MEMORY))
    return "it belongs into the first MiB of memory, where the firmware is";
  if (segments.some(({ physical, memory }) => physical + memory > HIGHEST))
    return "it belongs behind 4 GiB, where no 32-bit code can enter it";
  return entryOf(elf) === undefined ? "its entry point is outside of what is loaded" : null;
}
