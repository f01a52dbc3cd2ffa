import { qemuOption } from "./option.ts";

/** init, and what it has to ask its guest to end; QEMU's main loop, RCU and vCPU, and one more in QEMU 10; and KVM's thread for large pages, which the kernel counts as QEMU's. */
const ALWAYS = 7;

/** For a tool of exec, which takes two while it starts, and for a checkpoint. */
const SPARE = 3;

/** The least limit of processes, which counts threads, that a machine can live with. */
export const LEAST_PIDS = ALWAYS + SPARE + 1;

/** QEMU's own most of threads that read and write disks. */
const MOST_WORKERS = 64;

/** How many threads may read and write disks below a limit of processes: a VMM that gets none when it wants one aborts. */
export const diskWorkers = (pids: number): number =>
  Math.max(1, Math.min(MOST_WORKERS, pids - ALWAYS - SPARE));

const MAIN_LOOP = "loop0";

export const threadArguments = (workers: number): string[] => [
  "-object",
  qemuOption("main-loop", { id: MAIN_LOOP, "thread-pool-max": workers }),
];

/** The same for a running machine, as a command for its monitor. */
export const threadCommand = (workers: number) => ({
  execute: "qom-set",
  arguments: { path: `/objects/${MAIN_LOOP}`, property: "thread-pool-max", value: workers },
});
