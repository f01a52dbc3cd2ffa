import { round } from "./median.ts";

/** A row's figures by column. */
export type Figures = Readonly<Record<string, number>>;

/** Rows by name, in their order. */
export type Rows = Readonly<Record<string, Figures>>;

/** Of each other row: our figures divided by its, as far as both have them. */
function ratios(rows: Rows, columns: readonly string[], ours: string): Rows {
  const { [ours]: own = {}, ...others } = rows;
  const against = (other: Figures): Figures => {
    const all = columns.map(
      (column) => [column, round((own[column] ?? NaN) / (other[column] ?? NaN))] as const,
    );
    return Object.fromEntries(all.filter(([, ratio]) => Number.isFinite(ratio)));
  };
  return Object.fromEntries(Object.entries(others).map(([name, other]) => [name, against(other)]));
}

/** Prints rows under a heading; a figure that a row does not have is "-". */
export function print(heading: string, rows: Rows, columns: readonly string[]): void {
  const width = Math.max(heading.length, ...Object.keys(rows).map((name) => name.length));
  const line = (name: string, cells: readonly string[]): string =>
    name.padEnd(width) +
    cells.map((cell, index) => cell.padStart((columns[index]?.length ?? 0) + 2).padStart(10)).join("");
  console.log(`\n${line(heading, columns)}`);
  for (const [name, figures] of Object.entries(rows)) {
    const cells = columns.map((column) => {
      const value = figures[column];
      return value === undefined || Number.isNaN(value) ? "-" : String(value);
    });
    console.log(line(name, cells));
  }
}

/** Prints ours against each other row's, and returns it. */
export function printRatios(rows: Rows, columns: readonly string[], ours: string): Rows {
  const compared = ratios(rows, columns, ours);
  if (Object.keys(compared).length > 0) print(`${ours} to`, compared, columns);
  return compared;
}
