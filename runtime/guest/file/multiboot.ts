import type { KernelFile, KernelImage } from "./kernel-file.ts";

/** The header of Multiboot Specification 0.6.96, section 3.1, and what init and QEMU make of it. */
export interface MultibootHeader {
  /** Of the header in the file. */
  readonly offset: number;
  readonly flags: number;
  /** Physical addresses that say how to load the file as it lies; absent without flag 16. */
  readonly addresses?: {
    readonly header: number;
    readonly load: number;
    /** 0: to the end of the file. */
    readonly loadEnd: number;
    readonly bssEnd: number;
    readonly entry: number;
  };
}

/** The header lies, whole, in this many bytes at the beginning of the file. */
export const MULTIBOOT_SEARCH = 8192;

const MAGIC = Buffer.from([0x02, 0xb0, 0xad, 0x1b]);
const HAS_ADDRESSES = 0x10000;
const LOW_MEMORY = 0x100000;

/** The header in the first bytes of a file; undefined where there is none with the right sum. */
export function findMultiboot(file: Buffer): MultibootHeader | undefined {
  const head = file.subarray(0, MULTIBOOT_SEARCH);
  for (let at = head.indexOf(MAGIC); at >= 0; at = head.indexOf(MAGIC, at + 1)) {
    if (at % 4 !== 0 || at + 12 > head.length) continue;
    const flags = head.readUInt32LE(at + 4);
    const sum = MAGIC.readUInt32LE(0) + flags + head.readUInt32LE(at + 8);
    if (sum % 2 ** 32 !== 0) continue;
    if (!(flags & HAS_ADDRESSES) || at + 32 > head.length) return { offset: at, flags };
    const [header = 0, load = 0, loadEnd = 0, bssEnd = 0, entry = 0] = [12, 16, 20, 24, 28].map((field) =>
      head.readUInt32LE(at + field),
    );
    return { offset: at, flags, addresses: { header, load, loadEnd, bssEnd, entry } };
  }
  return undefined;
}

/** What a header with addresses, without trouble, says of a file of that size. */
export function multibootImage({ addresses, offset }: MultibootHeader, size: number): KernelImage {
  if (!addresses) throw new Error("the header has no addresses");
  const { header, load, loadEnd, bssEnd, entry } = addresses;
  const start = offset - (header - load);
  const length = loadEnd === 0 ? size - start : loadEnd - load;
  return {
    entry,
    pieces: [{ offset: start, size: length, address: load }],
    end: Math.max(load + length, bssEnd),
  };
}

/** What the header of a file without trouble has QEMU and init load. */
export function imageByMultiboot(kernel: KernelFile): KernelImage {
  const header = findMultiboot(kernel.read(0, MULTIBOOT_SEARCH));
  if (!header) throw new Error(`${kernel.path} has no multiboot header`);
  return multibootImage(header, kernel.size);
}

/** Why a file of that size can't be loaded by its header, a clause; null where it can. */
export function multibootTrouble(found: MultibootHeader, size: number): string | null {
  const { addresses, offset } = found;
  // A 32-bit ELF file could be loaded by its program headers, but a 64-bit one, as by QEMU, by these addresses only.
  if (!addresses)
    return "its multiboot header carries no load addresses, without which no 64-bit kernel can be loaded";
  const { header, load, loadEnd, bssEnd, entry } = addresses;
  const start = offset - (header - load);
  const length = loadEnd === 0 ? size - start : loadEnd - load;
  if (start < 0 || length <= 0 || (bssEnd !== 0 && bssEnd < load + length)) {
    return "the load addresses in its multiboot header contradict one another";
  }
  if (start + length > size) {
    return `it is truncated: it has ${size} bytes, and its multiboot header has ${start + length} loaded`;
  }
  if (load < LOW_MEMORY) return "it belongs into the first MiB of memory, where the firmware is";
  return entry < load || entry >= load + length
    ? "its multiboot header has an entry point outside of what is loaded"
    : null;
}
