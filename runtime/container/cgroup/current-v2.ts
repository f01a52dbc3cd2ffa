import type { Resources } from "../spec/oci.ts";

/** The value of a file of the cgroup; undefined where it has none. */
type Current = (file: string) => string | undefined;

/**
 * Limits with what they leave as it is, where version 2 has it in the same file (the CPU's quota and period), or counts otherwise
 * than the spec (swap with and without memory).
 */
export function withCurrent(resources: Resources, current: Current): Resources {
  const { memory, cpu } = resources;
  return {
    ...resources,
    ...(memory ? { memory: completeMemory(memory, current) } : {}),
    ...(cpu ? { cpu: completeCpu(cpu, current) } : {}),
  };
}

const NONE = -1;

/** -1 for "max". */
const numberOf = (text: string): number => (text === "max" ? NONE : Number(text));

type Memory = NonNullable<Resources["memory"]>;

function completeMemory(memory: Memory, current: Current): Memory {
  const { limit = 0, swap } = memory;
  const [limitText, swapText] = [current("memory.max"), current("memory.swap.max")];
  if (limitText === undefined || swapText === undefined) return memory;
  const [limitNow, swapNow] = [numberOf(limitText), numberOf(swapText)];
  if (swap !== undefined) return swap > 0 && limit === 0 ? { ...memory, limit: limitNow } : memory;
  if (limit <= 0 || swapNow === NONE) return memory;
  const together = swapNow + Math.max(limitNow, 0);
  // Above that, swap alone stays as it is: what Docker is told of unlimited swap does not come here.
  return limit <= together ? { ...memory, swap: together } : memory;
}

type Cpu = NonNullable<Resources["cpu"]>;

function completeCpu(cpu: Cpu, current: Current): Cpu {
  const { quota = 0, period = 0 } = cpu;
  if ((quota === 0) === (period === 0)) return cpu;
  const [quotaNow, periodNow] = (current("cpu.max") ?? "").split(" ");
  if (!quotaNow || !periodNow) return cpu;
  return quota === 0 ? { ...cpu, quota: numberOf(quotaNow) } : { ...cpu, period: Number(periodNow) };
}
