/** What each runtime call costs, of every runtime in turn. */

import { goOn } from "../interruption.ts";
import { medians } from "../median.ts";
import { useKeptOf } from "../mounts.ts";
import type { Runtime } from "./bundles.ts";
import { type Cost, oneCycle } from "./cycle.ts";

/** Medians by the runtime's name. The runtimes take turns, so that a busy moment meets all. */
export async function callCosts(options: {
  runtimes: readonly Runtime[];
  folder: string;
  rounds: number;
}): Promise<Record<string, Cost>> {
  const { runtimes, folder, rounds } = options;
  const costs = new Map<string, Cost[]>(runtimes.map(({ name }) => [name, []]));
  for (let turn = -1; turn < rounds; turn++) {
    for (const runtime of runtimes) {
      await goOn();
      useKeptOf(runtime.name, folder);
      const cost = oneCycle({
        runtime,
        root: `${folder}/state-${runtime.name}`,
        id: `bench-${process.pid}-${turn + 1}`,
      });
      // The first turn warms caches, and the probe of this host.
      if (turn >= 0) costs.get(runtime.name)?.push(cost);
    }
  }
  return Object.fromEntries([...costs].map(([name, all]) => [name, medians(all)]));
}
