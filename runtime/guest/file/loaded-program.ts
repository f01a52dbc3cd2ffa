import { type Elf, SEGMENT } from "./elf.ts";
import type { KernelFile } from "./kernel-file.ts";

/** Bytes of a kernel's file that are looked through: many times what the largest has. Its program headers may lie on one another. */
const MOST_LOADED = 1 << 29;

/** Why a kernel is not looked through, a clause; null where it is. */
export function searchTrouble({ segments }: Elf): string | null {
  const size = loadedSize(segments);
  return size <= MOST_LOADED
    ? null
    : `its program takes ${Math.ceil(size / 2 ** 20)} MiB of its file, and ${MOST_LOADED / 2 ** 20} are the most that is looked through`;
}

/** Bytes of the file. */
export const loadedSize = (segments: Elf["segments"]): number =>
  segments.reduce((sum, { type, size }) => sum + (type === SEGMENT.load ? size : 0), 0);

/** What of a kernel's file its program is loaded from, read in pieces: a file may claim any size, and have holes. */
export class LoadedProgram {
  readonly #kernel: KernelFile;
  readonly #segments: Elf["segments"];
  /** The last that was read. */
  #piece: Piece = { address: 0, bytes: Buffer.alloc(0) };

  constructor(kernel: KernelFile, elf: Elf) {
    this.#kernel = kernel;
    this.#segments = elf.segments.filter(({ type }) => type === SEGMENT.load);
  }

  /** All of it in order, each piece with the first `overlap` bytes of the next; a piece begins where its segment does, or 8 bytes apart. */
  *pieces(overlap: number): Generator<Piece> {
    for (const { address, offset, size } of this.#segments)
      for (let at = 0; at < size; at += PIECE) {
        const bytes = this.#kernel.read(offset + at, Math.min(PIECE + overlap, size - at));
        this.#piece = { address: address + at, bytes };
        yield this.#piece;
      }
  }

  has(address: number, length: number): boolean {
    return this.#placeOf(address, length) !== undefined;
  }

  /** Null where that is not part of it. */
  bytesAt(address: number, length: number): Buffer | null {
    const within = address - this.#piece.address;
    if (within >= 0 && within + length <= this.#piece.bytes.length)
      return this.#piece.bytes.subarray(within, within + length);
    const place = this.#placeOf(address, length);
    return place === undefined ? null : this.#kernel.read(place, length);
  }

  /** The text with a NUL behind it; null where it is longer. */
  textAt(address: number, longest: number): string | null {
    const segment = this.#segments.find(
      (each) => address >= each.address && address < each.address + each.size,
    );
    if (!segment) return null;
    const room = segment.address + segment.size - address;
    const bytes = this.bytesAt(address, Math.min(longest + 1, room));
    const end = bytes?.indexOf(0) ?? -1;
    return end < 0 ? null : (bytes?.toString("utf8", 0, end) ?? null);
  }

  /** In the file. */
  #placeOf(address: number, length: number): number | undefined {
    const segment = this.#segments.find(
      (each) => address >= each.address && address + length <= each.address + each.size,
    );
    return segment && segment.offset + address - segment.address;
  }
}

interface Piece {
  readonly address: number;
  readonly bytes: Buffer;
}

const PIECE = 1 << 20;
