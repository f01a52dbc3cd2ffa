/** Members put into a JSON text and taken out of it, in the text's own way of indenting. */
import type { JsonMember, JsonObject } from "./json-text.ts";

/** The text with a further member at the object's end. `parent` is the object around it; absent for the text's own. */
export function addMember(
  text: string,
  object: JsonObject,
  member: { readonly key: string; readonly value: unknown },
  parent?: JsonObject,
): string {
  const style = styleOf(text, parent ?? object);
  const last = object.members.at(-1);
  const inner = indentOf(text, last?.start) ?? `${parent ? style.unit : ""}${style.unit}`;
  const isInline = last ? indentOf(text, last.start) === null : style.inline;
  const lines = JSON.stringify(member.value, null, isInline ? 1 : style.unit).split("\n");
  const value = isInline
    ? lines.map((line) => line.trim()).join(" ")
    : lines.join(`${style.newline}${inner}`);
  const words = `${JSON.stringify(member.key)}: ${value}`;
  if (last) {
    const between = isInline ? " " : `${style.newline}${inner}`;
    return `${text.slice(0, last.end)},${between}${words}${text.slice(last.end)}`;
  }
  const outer = inner.slice(0, inner.length - style.unit.length);
  const inside = isInline ? ` ${words} ` : `${style.newline}${inner}${words}${style.newline}${outer}`;
  return text.slice(0, object.open + 1) + inside + text.slice(object.close);
}

/** The text without a member of the object, its comma, and the space before it. */
export function removeMember(text: string, object: JsonObject, member: JsonMember): string {
  const at = object.members.indexOf(member);
  const [before, after] = [object.members[at - 1], object.members[at + 1]];
  if (before) return text.slice(0, before.end) + text.slice(member.end);
  if (after) return text.slice(0, member.start) + text.slice(after.start);
  return text.slice(0, object.open + 1) + text.slice(object.close);
}

interface Style {
  readonly newline: string;
  /** One step of indentation. */
  readonly unit: string;
  /** All on one line. */
  readonly inline: boolean;
}

function styleOf(text: string, outermost: JsonObject): Style {
  const [first] = outermost.members;
  const unit = indentOf(text, first?.start);
  return {
    newline: text.includes("\r\n") ? "\r\n" : "\n",
    unit: unit || "  ",
    inline: first !== undefined && unit === null,
  };
}

/** The space between the line's beginning and `offset`; null where there is more than space. */
function indentOf(text: string, offset: number | undefined): string | null {
  if (offset === undefined) return null;
  return /(?:^|\n)([ \t]*)$/.exec(text.slice(0, offset))?.[1] ?? null;
}
