/** A machine's memory and devices, on their way to a file and back (QEMU, docs/devel/migration). */
import { askMachine } from "../../native/control.ts";
import { carry, openPipe } from "../../native/copy.ts";

/** QEMU's name for the descriptor that we lend it. */
const NAME = "checkpoint";

/** Bytes in a second: as fast as it can. */
const NO_LIMIT = 2 ** 40;

/** Milliseconds, QEMU's most: the guest stands still after one look at its memory, or one that is busy would never be saved. */
const STANDSTILL = 2_000_000;

/** Milliseconds between two questions whether a machine has taken in its state. */
const PAUSE = 2;
/** Milliseconds that it may take to go on. */
const PATIENCE = 30_000;

/** Whether the guest's memory is in a machine's state, or is brought there by another way: it is a file. */
export type MemoryPlace = "inside" | "beside";

/** Writes the running machine's state to `file`, and stops it; how many bytes. Throws an Error with the VMM's words. */
export function saveMachine(stateFolder: string, file: number, memory: MemoryPlace): number {
  placeMemory(stateFolder, memory);
  const pipe = openPipe();
  using reader = pipe.reader;
  {
    using writer = pipe.writer;
    const parameters = { "max-bandwidth": NO_LIMIT, "downtime-limit": STANDSTILL };
    askMachine(stateFolder, { execute: "migrate-set-parameters", arguments: parameters });
    askMachine(stateFolder, { execute: "getfd", arguments: { fdname: NAME } }, writer.fd);
  }
  askMachine(stateFolder, { execute: "migrate", arguments: { uri: `fd:${NAME}` } });
  const bytes = carry(reader.fd, file);
  for (;;) {
    const { status, "error-desc": why } = askMachine(stateFolder, { execute: "query-migrate" }) as {
      status: string;
      "error-desc"?: string;
    };
    if (status === "completed") return bytes;
    if (status === "failed" || status === "cancelled") throw new Error(why ?? `the VMM says ${status}`);
    Bun.sleepSync(PAUSE);
  }
}

/** Said each time: whoever said it before may have been killed. */
function placeMemory(stateFolder: string, memory: MemoryPlace): void {
  const capabilities = [{ capability: "x-ignore-shared", state: memory === "beside" }];
  askMachine(stateFolder, { execute: "migrate-set-capabilities", arguments: { capabilities } });
}

/** Brings the state in `file` into a machine that waits for it, and returns when it runs. */
export function loadMachine(stateFolder: string, file: number, memory: MemoryPlace): void {
  placeMemory(stateFolder, memory);
  // Whoever brings it here tells the neighbours; the VMM would say for a second more where the card of before is.
  askMachine(stateFolder, { execute: "migrate-set-parameters", arguments: { "announce-rounds": 0 } });
  const pipe = openPipe();
  {
    using reader = pipe.reader;
    askMachine(stateFolder, { execute: "getfd", arguments: { fdname: NAME } }, reader.fd);
  }
  {
    using writer = pipe.writer;
    askMachine(stateFolder, { execute: "migrate-incoming", arguments: { uri: `fd:${NAME}` } });
    carry(file, writer.fd);
  }
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const { status } = askMachine(stateFolder, { execute: "query-status" }) as { status: string };
    if (status === "running") return;
    // It was paused when it was saved.
    if (status === "paused") askMachine(stateFolder, { execute: "cont" });
    else if (status !== "inmigrate" || performance.now() > deadline)
      throw new Error(`its machine is ${status}`);
    Bun.sleepSync(PAUSE);
  }
}
