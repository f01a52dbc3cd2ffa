/** What `unikrun status` and `unikrun stats` print of a container's guest. */
import { amountOf } from "../../amount.ts";
import { factLines } from "../../fact-lines.ts";
import { exactJson } from "../cgroup/figures.ts";
import type { Limits, Throttling } from "../observe/limits.ts";
import type { MemoryUse } from "../observe/memory-use.ts";
import { statisticsOf } from "../observe/statistics.ts";
import { type StatusFacts, statusFacts } from "../observe/status-facts.ts";
import { timelineText } from "../observe/timeline.ts";
import { traceFacts } from "../observe/trace.ts";
import type { Container } from "../record/container.ts";
import type { Exit } from "../record/exit.ts";
import { statusOf } from "../record/status.ts";

/** What is undefined is left out. */
type Facts = Readonly<Record<string, string | number | undefined>>;

/** "name  value" lines, or the same as JSON, with all numbers in bytes. */
export function statusText(root: string, container: Container, json: boolean): string {
  const facts = statusFacts(root, container);
  if (json) return `${JSON.stringify(facts)}\n`;
  return `${table(rowsOf(facts))}${facts.trace ? `\n${timelineText(facts.trace)}` : ""}`;
}

/** What happened when; no line of that is wider than `columns`. Throws UnikrunError where nothing was kept. */
export function traceText(root: string, container: Container, json: boolean, columns?: number): string {
  const facts = traceFacts(root, container);
  return json ? `${JSON.stringify(facts)}\n` : timelineText(facts, columns);
}

function rowsOf(facts: StatusFacts): Facts {
  const { id, status, guest, kernel, pid, created, memory, accelerator, emulated, cards } = facts;
  return {
    id,
    status,
    "last exit": facts.exit ? exitWords(facts.exit) : undefined,
    guest,
    kernel,
    arguments: facts.arguments
      .map((word) => (/^[\w./:@%+=,-]+$/.test(word) ? word : JSON.stringify(word)))
      .join(" "),
    pid: pid === 0 ? undefined : pid,
    created,
    memory: memory === null ? "unknown" : amountOf(memory),
    "memory used": facts.memoryUse ? useWords(facts.memoryUse) : undefined,
    accelerator: accelerator ?? "unknown",
    ...(emulated ? { "  because": emulated.why, "  what to do": emulated.advice } : {}),
    limits: facts.limits ? limitWords(facts.limits) : undefined,
    throttled: facts.throttling ? throttlingWords(facts.throttling, facts.limits ?? {}) : undefined,
    ...Object.fromEntries(
      cards.map(({ interface: name, mac, addresses }) => [name, [mac, ...addresses].join(" ")]),
    ),
  };
}

const exitWords = ({ code, at }: Exit): string =>
  at === undefined ? `${code}, by SIGKILL` : `${code}, at ${at}`;

const useWords = ({ guest, vmm }: MemoryUse): string =>
  guest === undefined
    ? `${amountOf(vmm)} (guest and tender)`
    : `${amountOf(guest)} (guest), ${amountOf(vmm)} (VMM)`;

function limitWords({ memory, cpus, cpuset, pids }: Limits): string {
  const words = [
    ...(memory === undefined ? [] : [`memory ${amountOf(memory)}`]),
    ...(cpus === undefined ? [] : [`CPU time of ${Number(cpus.toFixed(2))} processors`]),
    ...(cpuset === undefined ? [] : [`processors ${cpuset}`]),
    ...(pids === undefined ? [] : [`${pids} processes`]),
  ];
  return words.join(", ") || "none";
}

function throttlingWords({ periods, throttled, time }: Throttling, { cpus }: Limits): string | undefined {
  if (throttled === 0) return cpus === undefined ? undefined : "never";
  const share = Math.round((throttled / Math.max(periods, 1)) * 100);
  return `in ${throttled} of ${periods} periods (${share} %), ${(time / 1e9).toFixed(2)} s in all: a larger CPU limit makes it faster`;
}

export function statisticsText(root: string, container: Container, json: boolean): string {
  const { data } = statisticsOf(root, container);
  if (json) return `${exactJson({ status: statusOf(root, container), ...data })}\n`;
  const { cpu, memory, pids, disks, network_interfaces: interfaces } = data;
  return table({
    CPU: `${(Number(cpu.usage.total) / 1e9).toFixed(2)} s`,
    memory: amountOf(memory.usage.usage),
    processes: String(pids.current),
    ...Object.fromEntries(
      interfaces.map(({ Name, RxBytes, TxBytes }) => [
        Name,
        `received ${amountOf(RxBytes)}, sent ${amountOf(TxBytes)}`,
      ]),
    ),
    ...Object.fromEntries(
      disks.map(({ name, readBytes, writtenBytes }) => [
        name,
        `read ${amountOf(readBytes)}, written ${amountOf(writtenBytes)}`,
      ]),
    ),
  });
}

const table = (facts: Facts): string => `${factLines(Object.entries(facts)).join("\n")}\n`;
