/** `docker run -d` to the first 200, of every contender in turn. */

import { median, round } from "../median.ts";
import { type Contender, takeTurn } from "./contenders.ts";
import { firstAnswer, remove } from "./first-answer.ts";

/** Milliseconds: the median, and the best and the worst. */
export type AnswerCost = { readonly answer: number; readonly best: number; readonly worst: number };

export async function answerCosts(
  contenders: readonly Contender[],
  folder: string,
  rounds: number,
): Promise<Record<string, AnswerCost>> {
  const costs = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let turn = 0; turn < rounds; turn++) {
    for (const contender of contenders) {
      takeTurn(contender, folder);
      const { container, asked, answered } = await firstAnswer(contender);
      remove(container);
      costs.get(contender.name)?.push(answered - asked);
    }
  }
  return Object.fromEntries(
    [...costs].map(([name, all]) => [
      name,
      { answer: round(median(all)), best: round(Math.min(...all)), worst: round(Math.max(...all)) },
    ]),
  );
}
