import { agreed } from "../../../native/directives.ts";
import { readTextOrNull, statusOrNull } from "../../../native/files.ts";
import { type Container, containerFolder } from "./container.ts";

export interface Exit {
  readonly code: number;
  /** ISO 8601; absent where nobody wrote it down. */
  readonly at?: string;
}

/** Init writes it as its last act, so without it SIGKILL ended init itself. Null where an older unikrun made the container. */
export function exitOf(root: string, { id }: Container): Exit | null {
  const file = `${containerFolder(root, id)}/${agreed.EXIT_FILE}`;
  const text = readTextOrNull(file);
  if (text === null) return null;
  if (!/^\d+\n$/.test(text)) return { code: KILLED };
  const modified = statusOrNull(file)?.modified;
  return {
    code: Number(text),
    ...(modified === undefined ? {} : { at: new Date(Number(BigInt(modified) / 1_000_000n)).toISOString() }),
  };
}

/** 128 + SIGKILL. */
const KILLED = 137;
