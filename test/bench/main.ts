/**
 * What each runtime call costs, beside runc and crun: create, state, start, kill and delete of unikrun with the probe
 * guest, and of the others with busybox, interleaved, from a parent that reaps as a shim does; then what folders cost a
 * start. Medians in milliseconds.
 *
 *   npm run bench [-- --json] [-- --rounds N]
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { becomeSubreaper } from "../../native/process.ts";
import { makeBundles } from "./bundles.ts";
import { type Cost, oneCycle, STEPS } from "./cycle.ts";
import { type DiskCost, diskCosts } from "./disks.ts";
import { enterPrivateMounts } from "./private-mounts.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, rounds: { type: "string", default: "21" } },
});

// crun refuses the hybrid hierarchy; what is unmounted for it is so for nobody else.
const folder = mkdtempSync(`${tmpdir()}/unikrun-bench-`);
enterPrivateMounts(`${folder}/store`);
becomeSubreaper();
try {
  const runtimes = makeBundles(folder).filter(({ binary }) => existsSync(binary));
  const costs = new Map<string, Cost[]>(runtimes.map(({ name }) => [name, []]));
  const rounds = Number(values.rounds);
  for (let round = -1; round < rounds; round++) {
    for (const runtime of runtimes) {
      const cost = oneCycle({
        runtime,
        root: `${folder}/state-${runtime.name}`,
        id: `bench-${process.pid}-${round + 1}`,
      });
      // The first round warms caches, and the probe of this host.
      if (round >= 0) costs.get(runtime.name)?.push(cost);
    }
  }
  const [unikrun] = runtimes;
  const disks = unikrun ? diskCosts({ runtime: unikrun, folder, rounds: Math.min(rounds, 9) }) : [];
  report(
    [...costs].map(([name, all]) => [name, medians(all)]),
    disks,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function medians(all: readonly Cost[]): Cost {
  const median = (values: number[]): number =>
    values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  const names = Object.keys(all[0] ?? {}) as (keyof Cost)[];
  return Object.fromEntries(
    names.map((name) => [name, Math.round(median(all.map((cost) => cost[name])) * 100) / 100]),
  ) as unknown as Cost;
}

function report(
  rows: readonly (readonly [string, Cost])[],
  disks: readonly (readonly [string, DiskCost])[],
): void {
  const columns = ["total", ...STEPS, "createdRssKiB"] as const;
  const line = (cells: readonly (string | number)[]): string =>
    cells.map((cell) => String(cell).padStart(16)).join("");
  console.log(line(["", ...columns]));
  for (const [name, cost] of rows) console.log(line([name, ...columns.map((column) => cost[column])]));
  const kinds = ["first", "later", "delete"] as const;
  console.log(`\n${line(["start with", ...kinds])}`);
  for (const [name, cost] of disks) console.log(line([name, ...kinds.map((kind) => cost[kind].toFixed(1))]));
  if (!values.json) return;
  console.log(JSON.stringify({ ...Object.fromEntries(rows), disks: Object.fromEntries(disks) }));
}
