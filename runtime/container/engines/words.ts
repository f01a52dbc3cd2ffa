/** Words that engines look for in what a runtime says, so no other words will do. */
import { UnikrunError } from "../../error.ts";

/**
 * containerd and Podman take "container not running" for a process that has ended already: a stop that comes too late is no failure
 * then, and an exec is told of it. `why` is the rest of the sentence.
 */
export const notRunning = (why: string, state = "running"): UnikrunError =>
  new UnikrunError(`container not ${state}: ${why}.`);

/** containerd takes "does not exist" for a container that is deleted already. */
export const doesNotExist = (id: string, root: string): UnikrunError =>
  new UnikrunError(`container ${id} does not exist in ${root}.`);

/** Docker makes exit code 127 of these words, Podman with " in" behind them. */
export const NO_SUCH_PROGRAM = "executable file not found in";

/** containerd, Docker and Podman read a runtime's version only from a first line that begins so. */
export const VERSION_LINE = "runc version";
