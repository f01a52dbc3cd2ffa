/** Whose guest writes a disk, and why another's can't. */
import { UnikrunError } from "../error.ts";

export interface Writer {
  readonly containerId: string;
  /** What the container is called by whoever asked for it, where its id says nothing to him. */
  readonly title?: string | undefined;
}

/** For a sentence. An id of 64 digits is known by its first. */
export const nameOf = ({ title, containerId }: Writer): string =>
  title ?? containerId.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, "$1");

/** `writer` where it is known. */
export function isWritten(
  containerId: string,
  { kind, source }: { kind: "volume" | "disk"; source: string },
  writer: Writer | undefined,
): UnikrunError {
  const who = writer ? `the guest of container ${nameOf(writer)}` : "another machine";
  // A Deployment's new pod would wait for the old one, which goes when the new one is ready.
  const advice = writer?.title ? " (of a Deployment by strategy: Recreate)" : "";
  return new UnikrunError(
    `Container ${containerId}: the ${kind} ${source} is being written by ${who}: stop that one first${advice}, or mount the ${kind} read-only.`,
  );
}
