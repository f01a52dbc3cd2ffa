/** Where the members of an object stand in a JSON text (RFC 8259), so that one can be put in or taken out and all else stays. */
import { UnikrunError } from "../error.ts";

/** Offsets in the text. */
export interface JsonObject {
  /** Of "{". */
  readonly open: number;
  /** Of "}". */
  readonly close: number;
  readonly members: readonly JsonMember[];
}

export interface JsonMember {
  readonly key: string;
  /** Of the key's first quote. */
  readonly start: number;
  /** Behind the value. */
  readonly end: number;
  /** Absent where the value is no object. */
  readonly object?: JsonObject;
}

/** The text's one object. Throws UnikrunError that names the `file` and the place where it is no JSON. */
export function readJsonObject(text: string, file: string): JsonObject {
  let at = 0;

  function fail(expected: string): never {
    const before = text.slice(0, at).split("\n");
    const place = `line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
    throw new UnikrunError(
      `${file} is not valid JSON: at ${place} it should have ${expected}. Mend it there first; nothing was changed.`,
    );
  }

  /** Moves on behind the pattern (sticky), or gives null. */
  function take(pattern: RegExp): string | null {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) return null;
    at += found.length;
    return found;
  }

  const skipSpace = (): void => void take(/[ \t\r\n]*/y);

  function readString(): string {
    return (
      take(/"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\x7f|[\x80-\x9f])*"/uy) ?? fail("a string")
    );
  }

  /** An object where the value is one. */
  function readValue(): JsonObject | undefined {
    if (text[at] === "{") return readObject();
    if (text[at] === "[") return readList();
    if (text[at] === '"') return void readString();
    if (take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y) === null) fail("a value");
    return undefined;
  }

  function readList(): undefined {
    at++;
    skipSpace();
    if (take(/\]/y)) return;
    do {
      skipSpace();
      readValue();
      skipSpace();
    } while (take(/,/y));
    if (!take(/\]/y)) fail('"," or "]"');
  }

  function readObject(): JsonObject {
    const open = at;
    const members: JsonMember[] = [];
    at++;
    skipSpace();
    if (take(/\}/y)) return { open, close: at - 1, members };
    do {
      skipSpace();
      const start = at;
      const key = String(JSON.parse(readString()));
      skipSpace();
      if (!take(/:/y)) fail('":"');
      skipSpace();
      const object = readValue();
      members.push({ key, start, end: at, ...(object ? { object } : {}) });
      skipSpace();
    } while (take(/,/y));
    if (!take(/\}/y)) fail('"," or "}"');
    return { open, close: at - 1, members };
  }

  skipSpace();
  if (text[at] !== "{") fail("an object, {…}");
  const object = readObject();
  skipSpace();
  if (at < text.length) fail("its end");
  return object;
}
