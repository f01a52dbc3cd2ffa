/** What `unikrun status` and `unikrun stats` say of a container's guest. */

import { type Container, statusOf } from "../state.ts";
import { statisticsOf } from "../statistics.ts";

/** "name  value" lines, or the same as JSON. */
export function statusText(root: string, container: Container, json: boolean): string {
  const { id, pid, created, guest } = container;
  return table(json, {
    id,
    status: statusOf(root, container),
    guest: guest.family,
    kernel: guest.kernel,
    arguments: guest.args.join(" "),
    pid,
    created,
  });
}

export function statisticsText(root: string, container: Container, json: boolean): string {
  const { data } = statisticsOf(container);
  if (json) return `${JSON.stringify({ status: statusOf(root, container), ...data })}\n`;
  const seconds = (nanoseconds: number): string => `${(nanoseconds / 1e9).toFixed(2)} s`;
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const { cpu, memory, pids, network_interfaces: interfaces } = data;
  return table(false, {
    CPU: seconds(cpu.usage.total),
    memory: mebibytes(memory.usage.usage),
    processes: pids.current,
    ...Object.fromEntries(
      interfaces.map(({ Name, RxBytes, TxBytes }) => [
        Name,
        `received ${mebibytes(RxBytes)}, sent ${mebibytes(TxBytes)}`,
      ]),
    ),
  });
}

function table(json: boolean, facts: Readonly<Record<string, string | number>>): string {
  if (json) return `${JSON.stringify(facts)}\n`;
  const width = Math.max(...Object.keys(facts).map((name) => name.length)) + 2;
  const lines = Object.entries(facts).map(([name, value]) => `${name.padEnd(width)}${value}\n`);
  return lines.join("");
}
