/** For people: a line for each fact, its name first, and what is so below each other. What is undefined is left out. */
export function factLines(
  facts: readonly (readonly [name: string, fact: string | number | undefined])[],
): string[] {
  const known = facts.filter(([, fact]) => fact !== undefined);
  const width = Math.max(...known.map(([name]) => name.length)) + 2;
  return known.map(([name, fact]) => `${name.padEnd(width)}${fact}`);
}
