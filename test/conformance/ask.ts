/** A guest's answer, asked again until it listens, for 20 s. */
export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      return await fetch(url, { ...init, signal: AbortSignal.timeout(20_000), keepalive: false });
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(50);
    }
  }
}
