/** How a request is made in another program's place. */

/** Failures that init tells apart (native/init/exec), where a program has a code of its own for them; 1 where not. */
type Failure = "unreached" | "late" | "reset" | "empty" | "senseless" | "cut" | "untaken" | "status";

export interface Manner {
  readonly method: "GET" | "HEAD";
  /** Lines "Name: value", each in place of ours of that name. */
  readonly headers: readonly string[];
  /** From which status on an answer is a failure. */
  readonly failsFrom: number;
  /** The descriptor that the answer's head is printed to. */
  readonly head?: 1 | 2;
  /** "good" is printed of a success only, "read" never, "left" is not waited for either. */
  readonly body: "all" | "good" | "read" | "left";
  /** Texts to print at the end; an empty one is the status. */
  readonly after: readonly string[];
  /** Milliseconds. */
  readonly connectTimeout?: number;
  readonly codes: Readonly<Record<Failure, number>>;
}

/** Milliseconds for a program that was not told to hurry: as long as Docker waits for a check. */
export const PATIENCE = 30_000;
