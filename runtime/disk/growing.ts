/** Bytes that are appended to. */
export class Growing {
  #bytes: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
  }

  /** Zeroed bytes at the end, to be filled in at once: they move when more are added. */
  add(count: number): Buffer {
    const end = this.length + count;
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    const added = this.#bytes.subarray(this.length, end);
    this.length = end;
    return added;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}
