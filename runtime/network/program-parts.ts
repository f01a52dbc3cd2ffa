/** Pieces of programs for traffic control (native/bpf.ts), with the context in r6; `below` is a place's distance from the frame's top. */

/** tc-bpf(8): to the stack; nowhere; what the next filter says. */
export const VERDICT = { stack: 0, nowhere: 2, next: -1 } as const;

/** Writes bytes of the packet to the frame. */
export const load = (at: number, below: number, length: number): string =>
  `r1 = r6; r2 = ${at}; r3 = r10; r3 += -${below}; r4 = ${length}; call skb_load_bytes`;

/** Writes bytes of the frame to the packet. */
export const save = (at: number, below: number, length: number): string =>
  `r1 = r6; r2 = ${at}; r3 = r10; r3 += -${below}; r4 = ${length}; r5 = 0; call skb_store_bytes`;

/** Writes constant bytes, 4 or a multiple of it, to the frame. */
export const put = (below: number, bytes: Buffer): string =>
  Array.from(
    { length: bytes.length / 4 },
    (_, word) => `*(u32 *)(r10 - ${below - 4 * word}) = ${bytes.readInt32LE(4 * word)}`,
  ).join("; ");

/** Ends: the packet leaves by that link. */
export const leaveBy = (link: number): string => `r1 = ${link}; r2 = 0; call redirect; exit`;

/** As two bytes of a packet are read from memory. */
export const swapped = (value: number): number => ((value & 0xff) << 8) | (value >> 8);
