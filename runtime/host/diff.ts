/** The difference between two texts of which one stretch differs, as `diff -u` would print it; "" where there is none. */
export function diff(file: string, before: string | null, after: string | null): string {
  if (before === after) return "";
  const CONTEXT = 3;
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const shorter = Math.min(old.length, fresh.length);
  let same = 0;
  while (same < shorter && old[same] === fresh[same]) same++;
  let sameEnd = 0;
  while (sameEnd < shorter - same && old.at(-1 - sameEnd) === fresh.at(-1 - sameEnd)) sameEnd++;
  const from = Math.max(0, same - CONTEXT);
  const cut = (lines: readonly string[]): number => Math.min(lines.length, lines.length - sameEnd + CONTEXT);
  const range = (lines: readonly string[]): string => {
    const count = cut(lines) - from;
    return `${count === 0 ? from : from + 1},${count}`;
  };
  const lines = [
    ...old.slice(from, same).map((line) => ` ${line}`),
    ...old.slice(same, old.length - sameEnd).map((line) => `-${line}`),
    ...fresh.slice(same, fresh.length - sameEnd).map((line) => `+${line}`),
    ...fresh.slice(fresh.length - sameEnd, cut(fresh)).map((line) => ` ${line}`),
  ];
  return [
    `--- ${before === null ? "/dev/null" : file}`,
    `+++ ${after === null ? "/dev/null" : file}`,
    `@@ -${range(old)} +${range(fresh)} @@`,
    ...lines,
  ].join("\n");
}

/** The last line says so if no newline ends it, and differs by that from one that has it. */
function linesOf(text: string | null): string[] {
  if (!text) return [];
  const lines = text.split("\n");
  const rest = lines.pop();
  return rest ? [...lines, `${rest}\n\\ No newline at end of file`] : lines;
}
