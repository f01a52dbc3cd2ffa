/** What devices a Solo5 unikernel declares (Solo5's include/mft_abi.h). */
import { readElf } from "../file/elf.ts";
import type { KernelFile } from "../file/kernel-file.ts";
import { readNotes } from "../file/notes.ts";
import type { DeclaredDevice } from "../guest.ts";

const OWNER = "Solo5";
/** "MFT1". */
const TYPE = 0x3154464d;

/** struct mft_entry: a name, a kind, its properties, what the tender attaches, and whether it has. */
const ENTRY = { size: 104, name: 68, kind: 68 } as const;
const KINDS: Readonly<Record<number, DeclaredDevice["kind"]>> = { 1: "disk", 2: "nic" };
const MOST = 64;

/** In the manifest's order, which is that of the machine's slots. Without a manifest there are none. */
export function manifestOf(kernel: KernelFile): DeclaredDevice[] {
  const reading = readElf(kernel);
  const notes = reading.kind === "elf" ? readNotes(kernel, reading.elf) : [];
  const content = notes.find(({ owner, type }) => owner === OWNER && type === TYPE)?.content;
  return content
    ? entriesIn(content).flatMap(({ name, kind }) => {
        const known = KINDS[kind];
        return known ? [{ kind: known, name }] : [];
      })
    : [];
}

/** Its structures begin at a multiple of 8 bytes, with zeros before them, and the version and the count come first. */
function entriesIn(content: Buffer): { name: string; kind: number }[] {
  const start = headerAt(content);
  if (start === undefined) return [];
  const count = Math.min(content.readUInt32LE(start + 4), MOST);
  return Array.from({ length: count }, (_, index) => start + 8 + index * ENTRY.size)
    .filter((at) => at + ENTRY.size <= content.length)
    .map((at) => ({
      name: content.toString("latin1", at, at + ENTRY.name).replace(/\0.*$/s, ""),
      kind: content.readUInt32LE(at + ENTRY.kind),
    }));
}

function headerAt(content: Buffer): number | undefined {
  const VERSION = 1;
  for (let at = 0; at + 8 <= Math.min(content.length, 16); at += 4)
    if (content.readUInt32LE(at) === VERSION) return at;
  return undefined;
}
