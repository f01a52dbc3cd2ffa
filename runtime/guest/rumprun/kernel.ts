/** What can be read off a rumprun kernel beyond that it is one. */
import { UnikrunError } from "../../error.ts";
import { readElf } from "../file/elf.ts";
import type { KernelFile } from "../file/kernel-file.ts";
import { LoadedProgram } from "../file/loaded-program.ts";
import type { KernelTraits } from "../guest.ts";
import { PROXY_VARIABLE, SINGLE_NETWORK } from "./config.ts";
import { knownKernels, layoutOf } from "./known-kernels.ts";

/** Of librumprun_base before 2016, which ends the boot with it. */
const ONE_NETWORK = Buffer.from('only 1 "net" configuration is supported');

/** Of librumprun_base since it can serve system calls, which needs the variable to be set. */
const PROXY = Buffer.from(PROXY_VARIABLE);

/** `known`: the file that has what was found in other containers' kernels. */
export function kernelTraits(kernel: KernelFile, known = knownKernels()): KernelTraits {
  const reading = readElf(kernel);
  if (reading.kind !== "elf") return { files: new Map(), knows: new Set(), proxy: false };
  const program = new LoadedProgram(kernel, reading.elf);
  const layout = layoutOf(kernel, known, () => {
    const { paths, ...words } = searchText(program);
    const files = findArray(program, paths);
    // Nobody bakes more, and each costs a known kernel three reads.
    return {
      layout: { files, ...words },
      isWorthKeeping: files === null || lengthOf(program, files) <= 64,
    };
  });
  return {
    files: layout.files === null ? new Map() : contentAt(program, layout.files, kernel.path),
    knows: new Set(layout.singleNetwork ? [SINGLE_NETWORK] : []),
    proxy: layout.proxy,
  };
}

/*
 * The files that rumprun-bake put into a kernel (app-tools/cookfs, since 2016): an array of { path, start, size, unused }, 64 bits each. It
 * has no name in a stripped file, so it is found by a path in /etc that one of its entries points to. All kernels of rumprun are
 * below 4 GiB.
 */
const ENTRY = 32;
const IN_ETC = Buffer.from("\0/etc/");
const LONGEST_PATH = 255;
/** More than any kernel has, so that one that was made to be searched for long is not. */
const MOST_PATHS = 1 << 16;
const MOST_FILES = 1 << 12;
/** Bytes. */
const MOST_CONTENT = 1 << 24;

/** The addresses of all that may be a path in /etc, and what its words say of it. */
function searchText(program: LoadedProgram): {
  paths: ReadonlySet<number>;
  singleNetwork: boolean;
  proxy: boolean;
} {
  const paths = new Set<number>();
  let [singleNetwork, proxy] = [false, false];
  for (const { address, bytes } of program.pieces(ONE_NETWORK.length)) {
    singleNetwork ||= bytes.includes(ONE_NETWORK);
    proxy ||= bytes.includes(PROXY);
    for (
      let at = bytes.indexOf(IN_ETC);
      at >= 0 && paths.size < MOST_PATHS;
      at = bytes.indexOf(IN_ETC, at + 1)
    )
      paths.add(address + at + 1);
  }
  return { paths, singleNetwork, proxy };
}

/** The address of the array; null where there is none. Each word is looked at once. */
function findArray(program: LoadedProgram, paths: ReadonlySet<number>): number | null {
  if (paths.size === 0) return null;
  let behind = 0;
  for (const { address, bytes } of program.pieces(0)) {
    const words = wordsOf(bytes);
    for (let word = 0; word + 1 < words.length; word += 2) {
      if (words[word + 1] !== 0 || !paths.has(words[word] ?? 0)) continue;
      const at = address + word * 4;
      if (at < behind || !entryAt(program, at)) continue;
      const first = firstOf(program, at);
      const length = lengthOf(program, first);
      if (length > 1) return first;
      behind = first + length * ENTRY;
    }
  }
  return null;
}

function wordsOf(bytes: Buffer): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}

function firstOf(program: LoadedProgram, entry: number): number {
  let first = entry;
  for (let back = 1; back < MOST_FILES && entryAt(program, first - ENTRY); back++) first -= ENTRY;
  return first;
}

function lengthOf(program: LoadedProgram, array: number): number {
  let length = 0;
  while (length < MOST_FILES && entryAt(program, array + length * ENTRY)) length++;
  return length;
}

interface BakedFile {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

function entryAt(program: LoadedProgram, address: number): BakedFile | null {
  const bytes = program.bytesAt(address, ENTRY);
  if (bytes?.length !== ENTRY) return null;
  const [name = 0, start = 0, size = 0] = [0, 8, 16].map((offset) => Number(bytes.readBigUInt64LE(offset)));
  const path = program.textAt(name, LONGEST_PATH);
  return path?.match(/^\/./) && program.has(start, size) ? { path, start, size } : null;
}

function contentAt(program: LoadedProgram, array: number, kernel: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  let left = MOST_CONTENT;
  for (let index = 0; index < MOST_FILES; index++) {
    const entry = entryAt(program, array + index * ENTRY);
    if (!entry) break;
    left -= entry.size;
    if (left < 0)
      throw new UnikrunError(
        `The unikernel ${kernel} has files of more than ${MOST_CONTENT / 2 ** 20} MiB built in, which can't be put beside what is mounted there: give it a folder of the image in their place.`,
      );
    files.set(entry.path, Buffer.from(program.bytesAt(entry.start, entry.size) ?? []));
  }
  return files;
}
