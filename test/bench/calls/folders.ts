/** What folders cost a start: the first time, when their disk is made, and later, when it is there. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { goOn } from "../interruption.ts";
import { median, round } from "../median.ts";
import { useKeptOf } from "../mounts.ts";
import type { Runtime } from "./bundles.ts";
import { oneCycle } from "./cycle.ts";

const MIB = 1 << 20;

/** Folders of files of 1 MiB each. */
const FOLDERS = [
  { name: "1 MiB read-only", mib: 1, readOnly: true },
  { name: "1 GiB read-only", mib: 1024, readOnly: true },
  { name: "64 MiB volume", mib: 64, readOnly: false },
];

/** Of the costs below, in their order. */
export const DISK_COLUMNS = ["first", "later", "delete"] as const;

export type DiskCost = {
  /** Milliseconds of the first start. */
  readonly first: number;
  /** The median of those that follow, and of their deletes, which bring a volume back. */
  readonly later: number;
  readonly delete: number;
};

/** Interleaved, as everything here. */
export async function diskCosts(options: {
  runtime: Runtime;
  folder: string;
  rounds: number;
}): Promise<Record<string, DiskCost>> {
  const { folder, rounds } = options;
  useKeptOf(options.runtime.name, folder);
  const runs = FOLDERS.map(({ name, mib, readOnly }) => {
    const source = `${folder}/files-${mib}`;
    mkdirSync(source);
    for (let file = 0; file < mib; file++) writeFileSync(`${source}/${file}`, Buffer.alloc(MIB, file + 1));
    return {
      name,
      runtime: withMount(options.runtime, folder, { source, mib, readOnly }),
      costs: [] as number[][],
    };
  });
  for (let turn = 0; turn <= rounds; turn++) {
    for (const { runtime, costs } of runs) {
      await goOn();
      const { start, delete: remove } = oneCycle({
        runtime,
        root: `${folder}/state-disks`,
        id: `disks-${turn}`,
      });
      costs.push([start, remove]);
    }
  }
  return Object.fromEntries(
    runs.map(({ name, costs }) => {
      const [first = [], ...later] = costs;
      const of = (which: number): number => round(median(later.map((cost) => cost[which] ?? Number.NaN)));
      return [name, { first: round(first[0] ?? Number.NaN), later: of(0), delete: of(1) }];
    }),
  );
}

function withMount(
  runtime: Runtime,
  folder: string,
  mount: { source: string; mib: number; readOnly: boolean },
): Runtime {
  const bundle = `${folder}/bundle-${mount.mib}`;
  const config = JSON.parse(readFileSync(`${runtime.bundle}/config.json`, "utf8"));
  config.root.path = `${runtime.bundle}/rootfs`;
  config.mounts.push({
    destination: "/data",
    type: "bind",
    source: mount.source,
    options: ["rbind", mount.readOnly ? "ro" : "rw"],
  });
  mkdirSync(bundle);
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
  return { ...runtime, bundle };
}
