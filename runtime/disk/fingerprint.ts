/** Whether files are still what they were, by all that is known of them without reading them. */
import type { FileStatus } from "../../native/tree-files.ts";

/** A hash of all that a scan sees; it collects what is hashed, as many small updates would take longer than the hashing. */
export class Fingerprint {
  readonly #hasher = new Bun.CryptoHasher("sha256");
  readonly #collected = Buffer.alloc(1 << 16);
  #used = 0;

  /** What follows is in this folder. */
  enter(path: string): void {
    this.#number(0xffff_ffff);
    this.addText(path);
  }

  add(name: string, { bytes }: FileStatus): void {
    this.addText(name);
    // Links, owner, mode, inode, size; ctime; mtime; of a device node its numbers. Not the access time, nor the blocks.
    this.#part(bytes, 16, 48);
    this.#part(bytes, 96, 108);
    this.#part(bytes, 112, 124);
    this.#part(bytes, 128, 136);
  }

  /** With its length, so that no two sequences read the same. */
  addText(text: string): void {
    const MOST_BYTES_PER_UNIT = 3;
    this.#number(text.length);
    this.#makeRoom(text.length * MOST_BYTES_PER_UNIT);
    if (text.length * MOST_BYTES_PER_UNIT > this.#collected.length) this.#hasher.update(text);
    else this.#used += this.#collected.write(text, this.#used);
  }

  digest(): string {
    this.#makeRoom(this.#collected.length);
    return this.#hasher.digest("hex");
  }

  #number(value: number): void {
    this.#makeRoom(4);
    this.#used = this.#collected.writeUInt32LE(value, this.#used);
  }

  #part(bytes: Buffer, start: number, end: number): void {
    this.#makeRoom(end - start);
    this.#used += bytes.copy(this.#collected, this.#used, start, end);
  }

  #makeRoom(count: number): void {
    if (this.#used + count <= this.#collected.length) return;
    this.#hasher.update(this.#collected.subarray(0, this.#used));
    this.#used = 0;
  }
}
