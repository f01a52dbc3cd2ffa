const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes for people: "512 B", "3.4 KiB". */
export function amountOf(bytes: number | bigint): string {
  let amount = Number(bytes);
  let unit = 0;
  for (; Math.abs(amount) >= 1024 && unit < UNITS.length - 1; unit++) amount /= 1024;
  return `${unit === 0 ? amount : amount.toFixed(1)} ${UNITS[unit]}`;
}
