/** resolv.conf(5), as far as a guest's differs from its container's. */

/** What a container's programs ask by a loopback address, a guest can't reach: it asks `address` in its place. */
export function withResolver(text: string, address: string): string {
  let told = false;
  return text
    .split("\n")
    .flatMap((line) => {
      if (!isLoopback(nameServerOf(line))) return [line];
      if (told) return [];
      told = true;
      return [`nameserver ${address}`];
    })
    .join("\n");
}

/** The first name server that only programs of the container's network namespace reach ("127.0.0.11"), if there is one. */
export function loopbackServer(text: string): string | undefined {
  return text.split("\n").map(nameServerOf).find(isLoopback);
}

const nameServerOf = (line: string): string | undefined => /^\s*nameserver\s+(\S+)/.exec(line)?.[1];

const isLoopback = (server: string | undefined): server is string =>
  server !== undefined && /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(server);
