/**
 * Names of files as text. Linux takes any bytes; those that are no UTF-8 stand as lone surrogates, from U+DC80 for 0x80 on, so that
 * no two names read the same and each gets its own bytes back.
 */
const ESCAPED = /[\udc80-\udcff]/u;
const ESCAPE = 0xdc00;

export function nameOf(bytes: Buffer): string {
  const text = bytes.toString();
  if (!text.includes("\ufffd") || Buffer.from(text).equals(bytes)) return text;
  let name = "";
  for (let at = 0; at < bytes.length; ) {
    const length = validLength(bytes, at);
    name +=
      length > 0 ? bytes.toString("utf8", at, at + length) : String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
    at += Math.max(1, length);
  }
  return name;
}

/** Of the character that begins there; 0 for a byte that begins none. */
function validLength(bytes: Buffer, at: number): number {
  for (const length of [1, 2, 3, 4]) {
    const piece = bytes.subarray(at, at + length);
    const text = piece.toString();
    if (piece.length === length && [...text].length === 1 && Buffer.from(text).equals(piece)) return length;
  }
  return 0;
}

export function bytesOf(name: string): Buffer {
  if (!ESCAPED.test(name)) return Buffer.from(name);
  const parts = [...name].map((character) =>
    ESCAPED.test(character) ? Buffer.from([character.charCodeAt(0) - ESCAPE]) : Buffer.from(character),
  );
  return Buffer.concat(parts);
}
