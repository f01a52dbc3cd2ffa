/** What a machine's guest read from and wrote to its disks. */
import { askMachine } from "../../../native/control.ts";
import { type Container, containerFolder } from "../record/container.ts";
import { readMachine } from "../record/machine.ts";

interface Counters {
  readonly rd_bytes: number;
  readonly wr_bytes: number;
  readonly rd_operations: number;
  readonly wr_operations: number;
  readonly flush_operations: number;
}

/** The guest's disks, by where they are mounted in it; none of a machine that stands still or has just ended. */
export function guestDisks(root: string, container: Container) {
  const machine = readMachine(root, container.id);
  if (!machine || machine.disks.length === 0) return [];
  let answer: { "node-name"?: string; stats: Counters }[];
  try {
    answer = askMachine(containerFolder(root, container.id), {
      execute: "query-blockstats",
    }) as typeof answer;
  } catch {
    return [];
  }
  return machine.disks.flatMap(({ mountpoint }, index) => {
    const stats = answer.find((each) => each["node-name"] === `disk${index}`)?.stats;
    if (!stats) return [];
    return [
      {
        name: mountpoint ?? `disk ${index}`,
        readBytes: stats.rd_bytes,
        writtenBytes: stats.wr_bytes,
        reads: stats.rd_operations,
        writes: stats.wr_operations,
        flushes: stats.flush_operations,
      },
    ];
  });
}
