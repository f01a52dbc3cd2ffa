/** What `unikrun status` and `unikrun stats` say of a container's guest. */
import { guestNics } from "../../network/visit.ts";
import { exactJson } from "../cgroup/figures.ts";
import { statisticsOf } from "../observe/statistics.ts";
import { boardOf, type Container, netnsOf } from "../record/container.ts";
import { statusOf } from "../record/status.ts";

type Facts = Readonly<Record<string, string | number>>;

/** "name  value" lines, or the same as JSON, with all numbers in bytes. */
export function statusText(root: string, container: Container, json: boolean): string {
  const { id, pid, created, guest } = container;
  const board = boardOf(container);
  const memory = board && board.memoryMiB * 2 ** 20;
  const accelerator = board?.accelerator ?? null;
  const nics = guestNics({ netns: netnsOf(container), containerId: id });
  const first = { id, status: statusOf(root, container), guest: guest.family, kernel: guest.kernel };
  const last = { pid, created };
  if (json) {
    const cards = nics.map(({ link, mac, mtu, addresses }) => ({
      interface: link.name,
      mac,
      mtu,
      addresses: addresses.map(({ address, prefix }) => `${address}/${prefix}`),
    }));
    return `${JSON.stringify({ ...first, arguments: guest.args, ...last, memory, accelerator, cards })}\n`;
  }
  return table({
    ...first,
    arguments: guest.args
      .map((word) => (/^[\w./:@%+=,-]+$/.test(word) ? word : JSON.stringify(word)))
      .join(" "),
    ...last,
    memory: memory === null ? "unknown" : mebibytes(memory),
    accelerator: accelerator ?? "unknown",
    ...Object.fromEntries(
      nics.map(({ link, mac, addresses }) => [
        link.name,
        [mac, ...addresses.map(({ address, prefix }) => `${address}/${prefix}`)].join(" "),
      ]),
    ),
  });
}

export function statisticsText(root: string, container: Container, json: boolean): string {
  const { data } = statisticsOf(root, container);
  if (json) return `${exactJson({ status: statusOf(root, container), ...data })}\n`;
  const { cpu, memory, pids, disks, network_interfaces: interfaces } = data;
  return table({
    CPU: `${(Number(cpu.usage.total) / 1e9).toFixed(2)} s`,
    memory: mebibytes(memory.usage.usage),
    processes: String(pids.current),
    ...Object.fromEntries(
      interfaces.map(({ Name, RxBytes, TxBytes }) => [
        Name,
        `received ${mebibytes(RxBytes)}, sent ${mebibytes(TxBytes)}`,
      ]),
    ),
    ...Object.fromEntries(
      disks.map(({ name, readBytes, writtenBytes }) => [
        name,
        `read ${mebibytes(readBytes)}, written ${mebibytes(writtenBytes)}`,
      ]),
    ),
  });
}

const mebibytes = (bytes: number | bigint): string => `${(Number(bytes) / 2 ** 20).toFixed(1)} MiB`;

function table(facts: Facts): string {
  const width = Math.max(...Object.keys(facts).map((name) => name.length)) + 2;
  return Object.entries(facts)
    .map(([name, value]) => `${name.padEnd(width)}${value}\n`)
    .join("");
}
