/** The caller's environment, with the variables in it that entry/entry.c hid from Bun: their first letter has bit 6 changed. */
export function callersEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).map(([name, value]) => {
      const whole = String.fromCharCode(name.charCodeAt(0) ^ 0x40) + name.slice(1);
      return [/^(BUN|MIMALLOC|NODE|JSC|WTF)_/i.test(whole) ? whole : name, value];
    }),
  );
}
