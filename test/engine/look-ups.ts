/** Many look-ups of the probe's at once. */
import { httpGet } from "./harness.ts";

interface LookUps {
  readonly asked: number;
  readonly answered: number;
  readonly failed: number;
  readonly lost: number;
  readonly addresses: readonly string[];
  readonly rcodes: Readonly<Record<string, number>>;
}

/** What a guest gets for a name, asked `count` times, 20 at a time; "{}" in the name stands for the number of the question. */
export const lookUps = async (host: string, name: string, count: number): Promise<LookUps> =>
  JSON.parse(
    await httpGet(
      `http://${host}/lookups?name=${encodeURIComponent(name)}&count=${count}&parallel=20`,
      90_000,
    ),
  );

/**
 * The same, three times at most until all of it is whole: on a busy machine one answer of a server outside in some thousands is
 * SERVFAIL, as somebody on the way has waited too long. Throws where a question has no answer at all.
 */
export async function lookUpsWhole(
  host: string,
  name: string,
  count: number,
  isWhole: (result: LookUps) => boolean,
): Promise<LookUps> {
  for (let attempt = 1; ; attempt++) {
    const result = await lookUps(host, name, count);
    if (result.asked !== count || result.lost !== 0) throw new Error(JSON.stringify(result));
    if (isWhole(result) || attempt === 3) return result;
  }
}
