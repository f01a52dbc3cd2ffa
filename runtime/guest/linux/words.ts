/** Words of a Linux kernel's command line, as the kernel takes them apart (its lib/cmdline.c, next_arg). */
import { UnikrunError } from "../../error.ts";

/** `what`: "argument 2", for the error's sentence. Throws UnikrunError for a text that no word can be. */
export function kernelWord(text: string, what: string): string {
  const bytes = Buffer.from(text);
  // Quotes group, and go away at a word's two ends and behind its first =; nothing escapes one.
  const word = [text, `"${text}"`].find((each) => firstWord(Buffer.from(each))?.equals(bytes));
  if (word !== undefined) return word;
  throw new UnikrunError(
    `A Linux guest can't be told ${what}: the kernel's command line can't carry ${whyNot(text)}.`,
  );
}

const whyNot = (text: string): string =>
  text.includes("\0") ? "a NUL: take it out" : "its quotation marks: do without them";

const QUOTE = 0x22;
const EQUALS = 0x3d;

/** What isspace of the kernel says, whose bytes are of Latin-1: in UTF-8 the last is a part of letters. */
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 9 && byte <= 13) || byte === 0xa0;

/** What a kernel makes of the whole line as its only word; null where it would see several, or none. */
function firstWord(line: Buffer): Buffer | null {
  if (line.length === 0 || line.includes(0) || isSpace(line[0] ?? 0)) return null;
  const quoted = line[0] === QUOTE;
  const word = quoted ? line.subarray(1) : line;
  let [inQuotes, equals] = [quoted, 0];
  for (const [at, byte] of word.entries()) {
    if (isSpace(byte) && !inQuotes) return null;
    if (byte === EQUALS && equals === 0) equals = at;
    if (byte === QUOTE) inQuotes = !inQuotes;
  }
  // The rest of the command line would be a part of it.
  if (inQuotes) return null;
  const last = word.at(-1) === QUOTE;
  const opened = equals !== 0 && word[equals + 1] === QUOTE;
  const end = last && (quoted || opened) ? word.length - 1 : word.length;
  if (!opened) return word.subarray(0, end);
  return Buffer.concat([word.subarray(0, equals + 1), word.subarray(equals + 2, Math.max(end, equals + 2))]);
}
