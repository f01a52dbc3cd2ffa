const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes for people: "512 B", "3.4 KiB". */
export function amountOf(bytes: number | bigint): string {
  const unit = unitOf(Number(bytes));
  return `${inUnit(Number(bytes), unit)} ${UNITS[unit]}`;
}

/** How much of it is done, in the unit of all of it: "0.2 of 4.7 GiB". */
export function partOf(done: number, total: number): string {
  const unit = unitOf(total);
  return `${inUnit(done, unit)} of ${amountOf(total)}`;
}

function unitOf(bytes: number): number {
  let unit = 0;
  for (let amount = bytes; Math.abs(amount) >= 1024 && unit < UNITS.length - 1; unit++) amount /= 1024;
  return unit;
}

const inUnit = (bytes: number, unit: number): string =>
  unit === 0 ? String(bytes) : (bytes / 1024 ** unit).toFixed(1);
