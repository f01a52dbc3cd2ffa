import { UnikrunError } from "../../error.ts";
import { pidsOf } from "../cgroup/members.ts";
import type { Container } from "../record/container.ts";

/**
 * The processes of a container: its init and the VMM, as a guest has none that the host sees. containerd takes a shim whose
 * container has no processes for a leaked one, and ends it.
 */
export function listProcesses(container: Container): {
  readonly pids: readonly number[];
  /** What ps(1) prints with these options ("-ef" without any), its lines of other processes left out. */
  table(options: readonly string[]): string;
} {
  const pids = [...new Set(pidsOf(container))];
  return { pids, table: (options) => psTable(container.id, pids, options.length > 0 ? options : ["-ef"]) };
}

function psTable(id: string, pids: readonly number[], options: readonly string[]): string {
  const refuse = (why: string) =>
    new UnikrunError(`The processes of container ${id} can't be shown by ps ${options.join(" ")}: ${why}.`);
  if (!Bun.which("ps")) throw refuse("this host has no ps; install procps, or use --format json");
  const { exitCode, stdout, stderr } = Bun.spawnSync(["ps", ...options]);
  if (exitCode !== 0) throw refuse(stderr.toString().trim() || `it ended with code ${exitCode}`);
  const [head = "", ...lines] = stdout.toString().trimEnd().split("\n");
  const column = head.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw refuse("it prints no PID column");
  const own = lines.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[column])));
  return [head, ...own].join("\n");
}
