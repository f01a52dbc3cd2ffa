import type { KernelImage } from "../guest/file/kernel-file.ts";

/** isa-debug-exit makes QEMU's exit code of the value that the guest writes to its port: (value << 1) | 1. */
const PORT = 0x501;
const VALUE = 0x21;

export const EXIT_DEVICE = `isa-debug-exit,iobase=0x${PORT.toString(16)}`;
export const EXIT_CODE = (VALUE << 1) | 1;

const LOAD = 0x100000;

/**
 * A kernel for a machine of 4 MiB or more that does what an emulator takes 1 s for and a processor 0.02 s, so that neither what it costs
 * to start QEMU nor slow exits of a nested guest hide which is faster.
 */
export const trialKernel = (): Buffer =>
  Buffer.from([...copying(2000), ...counting(30_000_000), ...ending()]);

export function trialImage({ length }: Buffer): KernelImage {
  return { entry: LOAD, pieces: [{ offset: 0, size: length, address: LOAD }], end: LOAD + length };
}

/** Copies 64 KiB, `times` times, as kernels copy. */
function copying(times: number): number[] {
  // mov esi, 2 MiB; mov edi, 3 MiB; mov ecx, 16384; rep movsd; dec ebx
  const copy = [0xbe, ...word(0x200000), 0xbf, ...word(0x300000), 0xb9, ...word(16384), 0xf3, 0xa5, 0x4b];
  // cld; mov ebx, times; …; jnz
  return [0xfc, 0xbb, ...word(times), ...copy, 0x75, 256 - copy.length - 2];
}

/** mov ecx, times; dec ecx; jnz */
const counting = (times: number): number[] => [0xb9, ...word(times), 0x49, 0x75, 0xfd];

/** mov dx, PORT; mov al, VALUE; out dx, al; hlt */
const ending = (): number[] => [0x66, 0xba, PORT & 0xff, PORT >> 8, 0xb0, VALUE, 0xee, 0xf4];

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
