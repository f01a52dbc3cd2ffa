import { readTextOrNull } from "../../../native/files.ts";
import type { Container } from "./container.ts";

/** A zombie is dead: it waits for its parent only. */
export function isAlive(container: Pick<Container, "pid" | "startTime">): boolean {
  const process = readProcess(container.pid);
  return (
    process !== null &&
    process.state !== "Z" &&
    process.state !== "X" &&
    process.startTime === container.startTime
  );
}

/** Fields 3 and 22 of /proc/PID/stat; null where there is no such process. */
export function readProcess(pid: number): { state: string; startTime: number } | null {
  const line = readTextOrNull(`/proc/${pid}/stat`);
  if (line === null) return null;
  // The command's name, in parentheses, may have anything in it.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "X", startTime: Number(fields[19]) };
}
