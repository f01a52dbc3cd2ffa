/** TOML as text: it is parsed to be understood and checked, and changed only by marked blocks of our own. */
import { reasonOf, UnikrunError } from "../error.ts";
import type { ConfigFormat, Entry } from "./config-format.ts";

export type Table = Readonly<Record<string, unknown>>;

/** Throws UnikrunError that names the file. */
export function parseToml(text: string, file: string): Table {
  try {
    return Bun.TOML.parse(text) as Table;
  } catch (cause) {
    const reason = reasonOf(cause).replace(/^TOML Parse error: /, "");
    throw new UnikrunError(`${file} is not valid TOML (${reason}): mend it first; nothing was changed.`, {
      cause,
    });
  }
}

/** What stands at the end of the keys; undefined where there is nothing. */
export function lookUp(table: Table, ...keys: readonly string[]): unknown {
  let value: unknown = table;
  for (const key of keys) {
    if (!isTable(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

export const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A text in quotes, as TOML takes it: its escapes are JSON's, but for DEL. */
export const quoted = (text: string): string => JSON.stringify(text).replaceAll("\x7f", "\\u007f");

const beginOf = (name: string): string => `# unikrun: begin ${name}`;
const END = "# unikrun: end";

/** The text with a block at its end, or right behind the line `after`, an offset. */
export function addBlock(text: string, name: string, lines: readonly string[], after?: number): string {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const block = [beginOf(name), ...lines, END, ""].join(newline);
  if (after !== undefined) return text.slice(0, after) + block + text.slice(after);
  if (text === "") return block;
  return `${text}${text.endsWith("\n") ? "" : newline}${newline}${block}`;
}

export function hasBlock(text: string, name: string): boolean {
  return blockPattern(name).test(text);
}

/** What a table of runtimes names; `programOf` finds a runtime's program in what stands for it. */
export function entriesOf(
  runtimes: unknown,
  text: string,
  programOf: (runtime: unknown) => unknown,
): Entry[] {
  return Object.entries(isTable(runtimes) ? runtimes : {}).map(([name, runtime]) => {
    const binary = programOf(runtime);
    return { name, binary: typeof binary === "string" ? binary : null, isOurs: hasBlock(text, name) };
  });
}

/** What all formats have in common in which a runtime is a block, with its program in quotes as `quoted` writes it. */
export const inBlocks: Pick<ConfigFormat, "lead" | "remove" | "isEmpty"> = {
  lead: (text, _file, { name, from, binary }) =>
    text.replace(blockPattern(name), (block) => block.replaceAll(quoted(from), () => quoted(binary))),

  remove: (text, _file, name) => removeBlock(text, name),

  isEmpty: (text) => text.trim() === "",
};

/** "" where there is none. */
export const blockOf = (text: string, name: string): string => blockPattern(name).exec(text)?.[0] ?? "";

/** The text without the block, and without the empty line before it. */
export function removeBlock(text: string, name: string): string {
  const found = blockPattern(name).exec(text);
  if (!found) return text;
  const before = text.slice(0, found.index).replace(/(^|\n)\r?\n$/, "$1");
  return before + text.slice(found.index + found[0].length);
}

/** Names hold nothing that a pattern means something by. */
const blockPattern = (name: string): RegExp =>
  new RegExp(`^${beginOf(name)}\\r?\\n[^]*?^${END}(?:\\r?\\n|$)`, "m");
