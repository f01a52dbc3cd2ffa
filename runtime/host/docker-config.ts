/** dockerd's daemon.json: `runtimes.NAME.path` (https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file). */
import { UnikrunError } from "../error.ts";
import type { ConfigFormat } from "./config-format.ts";
import { addMember, removeMember } from "./json-edit.ts";
import { type JsonMember, type JsonObject, readJsonObject } from "./json-text.ts";

export const dockerFormat: ConfigFormat = {
  list(text, file) {
    const { runtimes } = read(text, file);
    if (!runtimes) return [];
    const values = JSON.parse(text) as { runtimes: Record<string, unknown> };
    return Object.entries(values.runtimes).map(([name, value]) => ({
      name,
      binary: pathOf(value),
      isOurs: null,
    }));
  },

  add(text, file, { name, binary }) {
    // dockerd takes an empty file for {}.
    const given = text?.trim() ? text : "{}\n";
    const { whole, member, runtimes } = read(given, file);
    const value = { path: binary };
    if (runtimes) return addMember(given, runtimes, { key: name, value }, whole);
    if (member) return fail(file);
    return addMember(given, whole, { key: "runtimes", value: { [name]: value } });
  },

  lead(text, file, { name, binary }) {
    const entry = read(text, file).runtimes?.members.find(({ key }) => key === name);
    const path = entry?.object?.members.find(({ key }) => key === "path");
    if (!path) return text;
    const member = text.slice(path.start, path.end);
    const key = /^"(?:[^"\\]|\\.)*"\s*:\s*/.exec(member)?.[0] ?? "";
    return text.slice(0, path.start) + key + JSON.stringify(binary) + text.slice(path.end);
  },

  remove(text, file, name, original) {
    const { whole, member, runtimes } = read(text, file);
    const entry = runtimes?.members.find(({ key }) => key === name);
    if (!member || !runtimes || !entry) return text;
    if ((JSON.parse(text) as Record<string, unknown>)["default-runtime"] === name) {
      throw new UnikrunError(
        `${file} has "default-runtime": "${name}", and dockerd would not start without that runtime: make it "runc" and reload dockerd first; nothing was changed.`,
      );
    }
    const wasThere = original?.trim() ? read(original, file).member !== undefined : false;
    if (runtimes.members.length === 1 && !wasThere) return removeMember(text, whole, member);
    return removeMember(text, runtimes, entry);
  },

  isEmpty: (text) => /^\s*(?:\{\s*\})?\s*$/.test(text),
};

function read(
  text: string,
  file: string,
): { whole: JsonObject; member: JsonMember | undefined; runtimes: JsonObject | undefined } {
  const whole = readJsonObject(text.trim() ? text : "{}", file);
  const [member, second] = whole.members.filter(({ key }) => key === "runtimes");
  if (second) throw new UnikrunError(`${file} has "runtimes" twice: make it one first; nothing was changed.`);
  if (member && !member.object) fail(file);
  return { whole, member, runtimes: member?.object };
}

function fail(file: string): never {
  throw new UnikrunError(
    `${file} has a "runtimes" that is not an object, so dockerd would not take it: mend it first; nothing was changed.`,
  );
}

function pathOf(value: unknown): string | null {
  const path = typeof value === "object" && value !== null && "path" in value ? value.path : null;
  return typeof path === "string" ? path : null;
}
