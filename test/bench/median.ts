/** The middle of some numbers; NaN of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** To two decimals, or as many as asked for. */
export function round(value: number, decimals = 2): number {
  return Number(value.toFixed(decimals));
}

/** For each key the median of what the samples have under it. */
export function medians<Sample extends Record<keyof Sample, number>>(
  samples: readonly Sample[],
): Record<keyof Sample, number> {
  const keys = Object.keys(samples[0] ?? {}) as (keyof Sample)[];
  const entries = keys.map((key) => [key, round(median(samples.map((sample) => sample[key])))]);
  return Object.fromEntries(entries);
}
