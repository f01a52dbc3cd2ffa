/** What can be read off a rumprun kernel beyond that it is one. */
import { type Elf, readElf, SEGMENT } from "./elf.ts";
import type { KernelFile, KernelTraits } from "./guest.ts";

/** Of librumprun_base before 2016, which ends the boot with it. */
const ONE_NETWORK = Buffer.from('only 1 "net" configuration is supported');

export function kernelTraits(kernel: KernelFile): KernelTraits {
  const reading = readElf(kernel);
  const segments = reading.kind === "elf" ? loadedSegments(kernel, reading.elf) : [];
  return {
    files: new BakedFiles(segments).read(),
    singleNetwork: segments.some(({ bytes }) => bytes.includes(ONE_NETWORK)),
  };
}

/** A part of the file that is in the guest's memory, and its address there. */
interface Loaded {
  readonly address: number;
  readonly bytes: Buffer;
}

function loadedSegments(kernel: KernelFile, elf: Elf): Loaded[] {
  return elf.segments
    .filter(({ type }) => type === SEGMENT.load)
    .map(({ address, offset, size }) => ({ address, bytes: kernel.read(offset, size) }));
}

/**
 * The files that rumprun-bake put into a kernel (app-tools/cookfs, since 2016): an array of { path, start, size, unused },
 * 64 bits each. It has no name in a stripped file, so it is found by a path in /etc that one of its entries points to.
 */
class BakedFiles {
  readonly #segments: readonly Loaded[];

  constructor(segments: readonly Loaded[]) {
    this.#segments = segments;
  }

  read(): Map<string, Buffer> {
    for (const { address, bytes } of this.#segments) {
      const folder = Buffer.from("\0/etc/");
      for (let at = bytes.indexOf(folder); at >= 0; at = bytes.indexOf(folder, at + 1)) {
        const files = this.#arrayAround(address + at + 1);
        if (files.size > 1) return files;
      }
    }
    return new Map();
  }

  /** The array of which an entry points to the path at `address`; empty if there is none. */
  #arrayAround(address: number): Map<string, Buffer> {
    const pointer = Buffer.alloc(8);
    pointer.writeBigUInt64LE(BigInt(address));
    for (const { bytes } of this.#segments) {
      for (let at = bytes.indexOf(pointer); at >= 0; at = bytes.indexOf(pointer, at + 1)) {
        if (at % 8 !== 0 || !this.#entryAt(bytes, at)) continue;
        let first = at;
        while (this.#entryAt(bytes, first - ENTRY)) first -= ENTRY;
        return this.#arrayFrom(bytes, first);
      }
    }
    return new Map();
  }

  #arrayFrom(bytes: Buffer, first: number): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    let entry = this.#entryAt(bytes, first);
    for (let at = first; entry; entry = this.#entryAt(bytes, at)) {
      files.set(entry.path, entry.content);
      at += ENTRY;
    }
    return files;
  }

  #entryAt(bytes: Buffer, at: number): { path: string; content: Buffer } | null {
    if (at < 0 || at + ENTRY > bytes.length) return null;
    const [name, start, size] = [0, 8, 16].map((offset) => Number(bytes.readBigUInt64LE(at + offset)));
    const path = this.#textAt(name ?? 0);
    const content = this.#bytesAt(start ?? 0, size ?? 0);
    return path?.match(/^\/./) && content ? { path, content } : null;
  }

  #textAt(address: number): string | null {
    const LONGEST = 256;
    const segment = this.#segmentOf(address);
    if (!segment) return null;
    const text = segment.bytes.subarray(address - segment.address, address - segment.address + LONGEST);
    const end = text.indexOf(0);
    return end <= 0 ? null : text.toString("utf8", 0, end);
  }

  #bytesAt(address: number, size: number): Buffer | null {
    const segment = this.#segmentOf(address);
    if (!segment) return null;
    const offset = address - segment.address;
    return offset + size <= segment.bytes.length ? segment.bytes.subarray(offset, offset + size) : null;
  }

  #segmentOf(address: number): Loaded | undefined {
    return this.#segments.find(
      (each) => address >= each.address && address < each.address + each.bytes.length,
    );
  }
}

const ENTRY = 32;
