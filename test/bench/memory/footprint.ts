/** What memory a container takes, and where it lies. */
import { readFileSync } from "node:fs";
import { inspect } from "../../engine/harness.ts";
import { childrenOf } from "../../proc.ts";
import { askEngine } from "../docker/engine.ts";
import { round } from "../median.ts";

/** In MiB. */
export type Footprint = {
  /** Of the whole container, as `docker stats` says. */
  readonly container: number;
  /** Private memory of the VMM beside the guest's. */
  readonly vmm?: number;
  /** What is resident of the guest's memory. */
  readonly guest?: number;
};

export const FOOTPRINT_COLUMNS = ["container", "vmm", "guest"] as const;

export async function footprintOf(container: string): Promise<Footprint> {
  const used = await memoryOf(container);
  const vmm = findVmm(Number(inspect(container, "{{.State.Pid}}")));
  if (vmm === undefined) return { container: used };
  const mappings = mappingsOf(vmm);
  const guest = guestMemory(mappings);
  const others = mappings.filter((each) => each !== guest);
  const ofVmm = others.reduce((sum, { privateKiB }) => sum + privateKiB, 0);
  return { container: used, vmm: round(ofVmm / 1024), guest: round(guest.residentKiB / 1024) };
}

/** As the client computes it: what was read from files and not used since does not count. In MiB. */
export async function memoryOf(container: string): Promise<number> {
  type Stats = { memory_stats: { usage: number; stats: Record<string, number> } };
  const path = `/containers/${container}/stats?stream=false&one-shot=true`;
  const { usage, stats } = (await askEngine<Stats>(path)).memory_stats;
  const unused = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return round((usage - unused) / 1024 / 1024);
}

/** The QEMU among a process's descendants. */
function findVmm(pid: number): number | undefined {
  if (readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("qemu")) return pid;
  return childrenOf(pid)
    .map(findVmm)
    .find((found) => found !== undefined);
}

interface Mapping {
  readonly access: string;
  readonly sizeKiB: number;
  readonly residentKiB: number;
  readonly privateKiB: number;
}

/** Of /proc/PID/smaps (proc(5)). */
function mappingsOf(pid: number): Mapping[] {
  const parts = readFileSync(`/proc/${pid}/smaps`, "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return parts.map((part) => {
    const of = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(part)?.[1] ?? 0);
    return {
      access: part.split(" ")[1] ?? "",
      sizeKiB: of("Size"),
      residentKiB: of("Rss"),
      privateKiB: of("Private_Clean") + of("Private_Dirty"),
    };
  });
}

/** The largest that is written and not executed. */
function guestMemory(mappings: readonly Mapping[]): Mapping {
  const [largest] = mappings
    .filter(({ access }) => access.startsWith("rw-"))
    .sort((a, b) => b.sizeKiB - a.sizeKiB);
  if (largest === undefined) throw new Error("QEMU has no memory for a guest");
  return largest;
}
