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

/** IPv4 and IPv6 addresses, the first to be asked first. */
export const nameServers = (text: string): string[] =>
  text.split("\n").flatMap((line) => nameServerOf(line)?.split("%", 1) ?? []);

/** Where names are looked for that are not whole. */
export function searchDomains(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const domains = lines.findLast(([key]) => key === "search" || key === "domain")?.slice(1) ?? [];
  return domains.filter((domain) => domain !== ".");
}

/** The names to ask for in turn: with search domains behind it, and as it is first where it has dots enough. */
export function searchNames(text: string, name: string): string[] {
  if (name.endsWith(".")) return [name];
  const dots = Number(/^\s*options\s.*\bndots:(\d+)/m.exec(text)?.[1] ?? 1);
  const found = searchDomains(text).map((domain) => `${name}.${domain}`);
  return name.split(".").length > dots ? [name, ...found] : [...found, name];
}

const nameServerOf = (line: string): string | undefined => /^\s*nameserver\s+(\S+)/.exec(line)?.[1];

const isLoopback = (server: string | undefined): server is string =>
  server !== undefined && /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(server);
