/** What is said of a tmpfs (tmpfs(5)), for the disk in memory that stands for it. */
import type { Scratch } from "../../disk/scratch.ts";
import { UnikrunError } from "../../error.ts";
import { hostMemory } from "../../machine/memory.ts";

/** The last word counts. `limit` is what the container may have, in bytes. Throws UnikrunError for a value that is none. */
export function tmpfsOf(options: {
  id: string;
  destination: string;
  words: readonly string[];
  limit: number | undefined;
}): Scratch {
  const { id, destination, words, limit } = options;
  const value = (name: string, form: RegExp): string | undefined => {
    const text = words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
    if (text === undefined || form.test(text)) return text;
    throw new UnikrunError(
      `Container ${id}: the tmpfs ${destination} has the ${name} ${JSON.stringify(text.slice(0, 40))}, which is none: see tmpfs(5).`,
    );
  };
  const number = (name: string): number | undefined => {
    const text = value(name, /^\d{1,10}$/);
    return text === undefined ? undefined : Number(text);
  };
  const size = value("size", /^\d{1,15}[kmg%]?$/i);
  const mode = value("mode", /^[0-7]{1,5}$/);
  const [uid, gid] = [number("uid"), number("gid")];
  return {
    ...(size === undefined ? {} : { bytes: bytesOf(size, limit) }),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) & 0o7777 }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

/** 0 is as much as there is, and a share is one of the host's memory; of neither there is more than the container's own. */
function bytesOf(text: string, limit: number | undefined): number {
  const [, digits, unit = ""] = /^(\d+)(.?)$/.exec(text.toLowerCase()) ?? [];
  const amount = Number(digits);
  const MIB = 2 ** 20;
  const most = Math.min(
    hostMemory() * MIB,
    limit !== undefined && limit > 0 ? limit : Number.POSITIVE_INFINITY,
  );
  if (amount === 0) return most;
  if (unit === "%") return Math.min(most, Math.floor((hostMemory() * MIB * amount) / 100));
  return amount * ({ k: 1024, m: MIB, g: 1024 * MIB }[unit] ?? 1);
}
