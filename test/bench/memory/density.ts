/** Many containers of one kind at once: how fast they start, whether all answer, and what memory each takes. */
import { readFileSync } from "node:fs";
import { docker, eventually, succeed, uniqueName } from "../../engine/harness.ts";
import { type Contender, takeTurn } from "../docker/contenders.ts";
import { answers, runDetached } from "../docker/first-answer.ts";
import { medians, round } from "../median.ts";
import { typical } from "./alone.ts";
import { FOOTPRINT_COLUMNS, footprintOf } from "./footprint.ts";

/** `docker run` commands at a time. */
const AT_A_TIME = 8;

/** Of one crowd. */
export const DENSITY_COLUMNS = ["started", "answered", ...FOOTPRINT_COLUMNS, "host", "removed"] as const;

export type Density = Record<"started" | "answered" | "container" | "host" | "removed", number>;

/** Medians; `started` is when the last `docker run` returned, `answered` when all answer, seconds; `host` is what of the host's memory is not available any more for each, MiB. */
export async function densities(
  contenders: readonly Contender[],
  folder: string,
  options: { readonly guests: number; readonly rounds: number },
): Promise<Record<string, Density>> {
  const all = new Map<string, Density[]>(contenders.map(({ name }) => [name, []]));
  for (let turn = 0; turn < options.rounds; turn++) {
    for (const contender of contenders) {
      takeTurn(contender, folder);
      all.get(contender.name)?.push(await crowd(contender, options.guests));
    }
  }
  return Object.fromEntries([...all].map(([name, samples]) => [name, medians(samples)]));
}

async function crowd({ runtime, image, port }: Contender, guests: number): Promise<Density> {
  const names = Array.from({ length: guests }, () => uniqueName("crowd"));
  const available = availableMiB();
  const begin = performance.now();
  const since = (): number => round((performance.now() - begin) / 1000);
  try {
    const waiting = [...names];
    const worker = async (): Promise<void> => {
      for (let name = waiting.shift(); name; name = waiting.shift())
        await runDetached({ name, runtime, image });
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    const started = since();
    await Promise.all(addressesOf(names).map((host) => becomesReady(host, port)));
    const answered = since();
    const each = await Promise.all(names.map(footprintOf));
    const host = round((available - availableMiB()) / guests);
    const figures = { started, answered, ...typical(each), host };
    return { ...figures, removed: removeAll(names) };
  } finally {
    docker("rm", "-f", ...names);
  }
}

const becomesReady = (host: string, port: number): Promise<true> =>
  eventually(host, async () => (await answers(host, port)) || undefined, { pause: 50 });

function addressesOf(names: readonly string[]): string[] {
  const template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  return succeed(["docker", "inspect", "-f", template, ...names]).split("\n");
}

/** Seconds that it takes to remove them. */
function removeAll(names: readonly string[]): number {
  const begin = performance.now();
  succeed(["docker", "rm", "-f", ...names]);
  return round((performance.now() - begin) / 1000);
}

function availableMiB(): number {
  return Number(/^MemAvailable: +(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) / 1024;
}
