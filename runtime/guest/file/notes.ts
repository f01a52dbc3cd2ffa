/** The notes of an ELF file (elf(5), Nhdr), by which unikernels say what they are. */
import { type Elf, SEGMENT } from "./elf.ts";
import type { KernelFile } from "./kernel-file.ts";

export interface Note {
  /** As in "Xen". */
  readonly owner: string;
  readonly type: number;
  readonly content: Buffer;
}

/** XEN_ELFNOTE_PHYS32_ENTRY of Xen's public/elfnote.h: where a kernel begins by PVH. */
export const XEN_ENTRY = 18;

/** XEN_ELFNOTE_GUEST_OS of the same. */
const XEN_GUEST_OS = 6;

/** Whether a kernel that PVH can enter calls itself so. */
export const isGuestOs = (notes: readonly Note[], name: string): boolean =>
  notes.some(
    ({ owner, type, content }) =>
      owner === "Xen" && type === XEN_GUEST_OS && content.toString("latin1").replace(/\0*$/, "") === name,
  );

export const hasXenEntry = (notes: readonly Note[]): boolean =>
  notes.some(({ owner, type }) => owner === "Xen" && type === XEN_ENTRY);

/** Bytes of a segment of notes, and segments of them: no file that says what it is has more. */
const LONGEST = 1 << 14;
const MOST = 8;

/** Those that lie within the file; what is cut or too long is left out. */
export function readNotes(file: KernelFile, { segments }: Elf): Note[] {
  return segments
    .filter(({ type, offset, size }) => type === SEGMENT.note && offset + size <= file.size)
    .slice(0, MOST)
    .flatMap(({ offset, size }) => notesIn(file.read(offset, Math.min(size, LONGEST))));
}

const HEADER = 12;
const aligned = (size: number): number => (size + 3) & ~3;

function notesIn(bytes: Buffer): Note[] {
  const notes: Note[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const [ownerSize, contentSize] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    const owner = at + HEADER;
    const content = owner + aligned(ownerSize);
    const end = content + contentSize;
    if (ownerSize > LONGEST || contentSize > LONGEST || end > bytes.length) break;
    notes.push({
      owner: bytes.toString("latin1", owner, owner + ownerSize).replace(/\0.*$/s, ""),
      type: bytes.readUInt32LE(at + 8),
      content: bytes.subarray(content, end),
    });
    at = content + aligned(contentSize);
  }
  return notes;
}
