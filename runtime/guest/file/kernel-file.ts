/** An open file, read as far as is needed: kernels have tens of megabytes. */
export interface KernelFile {
  /** For messages. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Shorter than `length` at the end of the file only. */
  read(offset: number, length: number): Buffer;
  /** What only this file has, and only as it is now; null where it was changed so lately that the clock could not tell. */
  fingerprint?(): string | null;
}

/** A kernel in the guest's memory. */
export interface KernelImage {
  /** Physical address of its first instruction. */
  readonly entry: number;
  /** What of the file belongs where, in bytes; nothing where init does not load it. */
  readonly pieces: readonly { readonly offset: number; readonly size: number; readonly address: number }[];
  /** Physical address behind the last byte that it needs, its variables included. */
  readonly end: number;
}
