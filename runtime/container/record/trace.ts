/** What happened to a container when: a line of JSON for each call of the runtime and each event of its init, in the order of writing. */
import { agreed } from "../../../native/directives.ts";
import { appendText } from "../../../native/files.ts";
import type { events } from "../../../native/init/words.json";
import { readSmallText } from "../../../native/regular-file.ts";
import { reasonOf } from "../../error.ts";
import { debug } from "../../log.ts";
import { passed, type Step, takeSteps } from "../../steps.ts";
import { containerFolder } from "./container.ts";

/** Times are microseconds since 1970. */
export interface CallRecord {
  /** "keep" is what waits beside a guest to keep it (warm/keep.ts). */
  readonly call: "create" | "start" | "keep";
  readonly begun: number;
  readonly ended: number;
  readonly steps: readonly Step[];
  /** Why it failed. */
  readonly error?: string;
}

/** The first of its kind (native/init/trace.c). */
export interface EventRecord {
  readonly event: keyof typeof events;
  readonly at: number;
  /** What words.json says. */
  readonly value: number;
  /** Microseconds of the VMM's CPU time until then, and for how many the container's CPU limit had held it up. */
  readonly cpu: number;
  readonly throttled: number;
}

const fileOf = (root: string, id: string): string => `${containerFolder(root, id)}/${agreed.TRACE_FILE}`;

/** Writes down what this call has done. That it can't be is no reason for a call to fail. */
export async function writeCall(
  root: string,
  id: string,
  call: CallRecord["call"],
  error?: unknown,
): Promise<void> {
  if (error !== undefined) passed("failed");
  const record = endCall(call, error);
  try {
    appendText(fileOf(root, id), `${JSON.stringify(record)}\n`);
  } catch (cause) {
    await debug(() => [`Container ${id}: its trace can't be written (${reasonOf(cause)}).`]);
  }
}

/** Of a container that there will be none of, for the log of who asks for more. */
export async function logCall(id: string, call: CallRecord["call"], error: unknown): Promise<void> {
  passed("failed");
  const { begun, steps } = endCall(call, error);
  await debug(() =>
    steps.map(
      ({ step, at, about }) =>
        `Container ${id}: ${call}: ${((at - begun) / 1000).toFixed(1)} ms: ${step}${about === undefined ? "" : ` ${about}`}`,
    ),
  );
}

function endCall(call: CallRecord["call"], error: unknown): CallRecord {
  const { begun, ended, steps } = takeSteps();
  return { call, begun, ended, steps, ...(error === undefined ? {} : { error: reasonOf(error) }) };
}

/** Bytes: more than any number of hooks and disks makes. */
const LONGEST = 1 << 22;

/** Null where an older unikrun made the container. */
export function readTrace(
  root: string,
  id: string,
): { readonly calls: readonly CallRecord[]; readonly events: readonly EventRecord[] } | null {
  let text: string;
  try {
    text = readSmallText(fileOf(root, id), LONGEST);
  } catch {
    return null;
  }
  const records = text.split("\n").flatMap(readRecord);
  return {
    calls: records.filter((record) => "call" in record),
    events: records.filter((record) => "event" in record),
  };
}

/** The last may be cut off where whoever wrote it was killed. */
function readRecord(line: string): (CallRecord | EventRecord)[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
