/** What can be read off a rumprun kernel beyond that it is one. */
import { readElf, SEGMENT } from "./elf.ts";
import type { KernelFile, KernelTraits } from "./guest.ts";
import { KNOWN_KERNELS, layoutOf } from "./known-kernels.ts";
import { PROXY_VARIABLE } from "./rumprun-config.ts";

/** Of librumprun_base before 2016, which ends the boot with it. */
const ONE_NETWORK = Buffer.from('only 1 "net" configuration is supported');

/** Of librumprun_base since it can serve system calls, which needs the variable to be set. */
const PROXY = Buffer.from(PROXY_VARIABLE);

/** `known`: the file that has what was found in other containers' kernels. */
export function kernelTraits(kernel: KernelFile, known = KNOWN_KERNELS): KernelTraits {
  const segments = loadedSegments(kernel);
  const baked = new BakedFiles(segments);
  const layout = layoutOf(kernel, known, () => {
    const files = baked.find();
    const has = (text: Buffer): boolean => segments.some((segment) => segment.all().includes(text));
    const [singleNetwork, proxy] = [has(ONE_NETWORK), has(PROXY)];
    // Nobody bakes more, and each costs a known kernel three reads.
    return {
      layout: { files, singleNetwork, proxy },
      isWorthKeeping: files === null || baked.at(files).size <= 64,
    };
  });
  return {
    files: layout.files === null ? new Map() : baked.at(layout.files),
    singleNetwork: layout.singleNetwork,
    proxy: layout.proxy,
  };
}

/** A part of the file that is in the guest's memory, and its address there. */
interface Loaded {
  readonly address: number;
  readonly size: number;
  /** Read once. */
  all(): Buffer;
  part(offset: number, length: number): Buffer;
}

function loadedSegments(kernel: KernelFile): Loaded[] {
  const reading = readElf(kernel);
  if (reading.kind !== "elf") return [];
  return reading.elf.segments
    .filter(({ type }) => type === SEGMENT.load)
    .map(({ address, offset, size }) => {
      let bytes: Buffer | undefined;
      return {
        address,
        size,
        all: () => {
          bytes ??= kernel.read(offset, size);
          return bytes;
        },
        part: (at, length) => bytes?.subarray(at, at + length) ?? kernel.read(offset + at, length),
      };
    });
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

  /** The address of the array; null where there is none. */
  find(): number | null {
    const folder = Buffer.from("\0/etc/");
    for (const segment of this.#segments) {
      const bytes = segment.all();
      for (let at = bytes.indexOf(folder); at >= 0; at = bytes.indexOf(folder, at + 1)) {
        const array = this.#arrayAround(segment.address + at + 1);
        if (array !== null && this.at(array).size > 1) return array;
      }
    }
    return null;
  }

  /** The files of the array at an address, by path. */
  at(address: number): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    let at = address;
    for (let entry = this.#entryAt(at); entry; entry = this.#entryAt(at)) {
      files.set(entry.path, entry.content);
      at += ENTRY;
    }
    return files;
  }

  /** The address of the array of which an entry points to the path at `address`; null if there is none. */
  #arrayAround(address: number): number | null {
    const pointer = Buffer.alloc(8);
    pointer.writeBigUInt64LE(BigInt(address));
    for (const segment of this.#segments) {
      const bytes = segment.all();
      for (let at = bytes.indexOf(pointer); at >= 0; at = bytes.indexOf(pointer, at + 1)) {
        let first = segment.address + at;
        if (at % 8 !== 0 || !this.#entryAt(first)) continue;
        while (first - ENTRY >= segment.address && this.#entryAt(first - ENTRY)) first -= ENTRY;
        return first;
      }
    }
    return null;
  }

  #entryAt(address: number): { path: string; content: Buffer } | null {
    const bytes = this.#bytesAt(address, ENTRY);
    if (bytes?.length !== ENTRY) return null;
    const [name, start, size] = [0, 8, 16].map((offset) => Number(bytes.readBigUInt64LE(offset)));
    const path = this.#textAt(name ?? 0);
    const content = this.#bytesAt(start ?? 0, size ?? 0);
    return path?.match(/^\/./) && content ? { path, content } : null;
  }

  #textAt(address: number): string | null {
    const LONGEST = 256;
    const segment = this.#segmentOf(address);
    if (!segment) return null;
    const offset = address - segment.address;
    const text = segment.part(offset, Math.min(LONGEST, segment.size - offset));
    const end = text.indexOf(0);
    return end <= 0 ? null : text.toString("utf8", 0, end);
  }

  #bytesAt(address: number, size: number): Buffer | null {
    const segment = this.#segmentOf(address);
    if (!segment) return null;
    const offset = address - segment.address;
    return offset + size <= segment.size ? segment.part(offset, size) : null;
  }

  #segmentOf(address: number): Loaded | undefined {
    return this.#segments.find((each) => address >= each.address && address < each.address + each.size);
  }
}

const ENTRY = 32;
