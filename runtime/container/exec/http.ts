/** What init's tool of HTTP is told (native/init/exec/http.c). */
import type { Directive } from "../../../native/directives.ts";
import type { HttpRequest } from "./request.ts";

export function httpDirectives(request: HttpRequest): Directive[] {
  const { host, port, path, manner } = request;
  const method = manner?.method ?? "GET";
  const own = manner?.headers ?? [];
  const ours = [`Host: ${manner && port === 80 ? host : `${host}:${port}`}`, "User-Agent: unikrun"].filter(
    (line) => !own.some((other) => nameIn(other) === nameIn(line)),
  );
  const lines = [`${method} ${path} HTTP/1.0`, ...ours, ...own, "Connection: close", "", ""];
  return [
    ["name", `${method} http://${host}:${port}${path}`],
    ["port", String(port)],
    ["method", method],
    ["request", lines.join("\r\n")],
    ...(manner ? mannerDirectives(manner) : []),
  ];
}

const nameIn = (line: string): string => line.replace(/:.*/s, "").toLowerCase();

function mannerDirectives(manner: NonNullable<HttpRequest["manner"]>): Directive[] {
  const { failsFrom, head, body, after, connectTimeout, codes } = manner;
  return [
    ["fails-from", String(failsFrom)],
    ...(head === undefined ? [] : [["head", String(head)] as const]),
    ...(body === "all" ? [] : [["body", body] as const]),
    ...after.map((text) => ["after", text] as const),
    ...(connectTimeout === undefined ? [] : [["connect-timeout", String(connectTimeout)] as const]),
    ...Object.entries(codes).map(([kind, code]) => ["exit", `${kind} ${code}`] as const),
  ];
}
