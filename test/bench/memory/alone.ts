/** What one container takes alone, of every contender in turn. */
import { type Contender, takeTurn } from "../docker/contenders.ts";
import { firstAnswer, remove } from "../docker/first-answer.ts";
import { median, round } from "../median.ts";
import { FOOTPRINT_COLUMNS, type Footprint, footprintOf } from "./footprint.ts";

/** Milliseconds after the first answer until it is looked at: what a start needed may go. */
const SETTLED = 1000;

export async function footprints(
  contenders: readonly Contender[],
  folder: string,
  rounds: number,
): Promise<Record<string, Footprint>> {
  const all = new Map<string, Footprint[]>(contenders.map(({ name }) => [name, []]));
  for (let turn = 0; turn < rounds; turn++) {
    for (const contender of contenders) {
      takeTurn(contender, folder);
      const { container } = await firstAnswer(contender);
      await Bun.sleep(SETTLED);
      all.get(contender.name)?.push(await footprintOf(container));
      remove(container);
    }
  }
  return Object.fromEntries([...all].map(([name, samples]) => [name, typical(samples)]));
}

/** The median of each figure that there is. */
export function typical(samples: readonly Footprint[]): Footprint {
  const entries = FOOTPRINT_COLUMNS.map(
    (column) => [column, samples.flatMap((sample) => sample[column] ?? [])] as const,
  );
  const known = entries.filter(([, values]) => values.length > 0);
  return Object.fromEntries(known.map(([column, values]) => [column, round(median(values))])) as Footprint;
}
