/** What a signal that ends the bench has to wait for. */

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

let stopped: string | undefined;

/** From here on a signal ends the bench where it says goOn() next, and what is there is taken away first. */
export function endInOrder(): void {
  for (const signal of SIGNALS)
    process.on(signal, () => {
      stopped = signal;
    });
}

/** Throws if a signal has come. */
export async function goOn(): Promise<void> {
  await Bun.sleep(0);
  if (stopped !== undefined) throw new Error(`stopped by ${stopped}`);
}

/** Runs a command in our place: it gets our signals, and we end with its exit code. */
export async function become(cmd: string[]): Promise<never> {
  const child = Bun.spawn({ cmd, stdio: ["inherit", "inherit", "inherit"] });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  process.exit(await child.exited);
}
