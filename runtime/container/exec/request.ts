/** What `unikrun exec` understands: commands about a guest, which has no programs to run. */

import type { Manner } from "./checks/manner.ts";

export interface HttpRequest {
  readonly tool: "http";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly family?: 6;
  readonly timeout: number;
  /** Unless it is unikrun's own. */
  readonly manner?: Manner;
}

/** Milliseconds for all timeouts. */
export type Request =
  | HttpRequest
  | { readonly tool: "tcp"; readonly port: number; readonly family?: 6; readonly timeout: number }
  | { readonly tool: "ping"; readonly count: number; readonly timeout: number }
  | { readonly tool: "dns"; readonly name: string; readonly type: "A" | "AAAA"; readonly timeout: number }
  | { readonly tool: "cat" | "ls"; readonly path: string; readonly timeout: number }
  | { readonly tool: "df"; readonly timeout: number }
  | { readonly tool: "console"; readonly timeout: number }
  | { readonly tool: "stats" | "status" | "trace"; readonly json: boolean }
  | { readonly tool: "usage"; readonly complaint?: string };

const DEFAULT_TIMEOUT = 5;

/** A request, what its output and a failure become, and whom it is made for. */
export interface Command {
  readonly request: Request;
  /** The exit code of any failure, as a shell's `|| exit N` has it. */
  readonly failure?: number;
  /** "1 null" or "1 2", as a shell's, in its order. */
  readonly redirects?: readonly string[];
  /** The program that it stands in for, which asked this host. */
  readonly program?: string;
  readonly place?: string;
}

/** Why a command is not understood, as the end of a sentence; null where there is no more to say. */
export interface Refusal {
  readonly why: string | null;
}

export const refuse = (program: string, says: string): Refusal => ({
  why: `what stands in for ${program} ${says}`,
});

/** What a process's arguments ask for; null where they name another program. */
export function readRequest(words: readonly string[]): Request | null {
  const [program = "", tool, ...rest] = words;
  if (program.replace(/^.*\//, "") !== "unikrun") return null;
  if (tool === undefined || tool === "help" || tool === "--help" || rest.includes("--help"))
    return { tool: "usage" };
  const make = Object.hasOwn(TOOLS, tool) ? TOOLS[tool] : undefined;
  if (!make) return wrong(`there is no command ${JSON.stringify(tool)}`);
  const given = readFlags(rest);
  return typeof given === "string" ? wrong(given) : make(given);
}

interface Given {
  readonly words: readonly string[];
  readonly timeout: number;
  readonly count: number;
  readonly type: string;
  readonly json: boolean;
}

const FLAGS: ReadonlyMap<string, string> = new Map([
  ["--timeout", "timeout"],
  ["-c", "count"],
  ["--count", "count"],
  ["--type", "type"],
]);

/** A complaint where a flag is wrong. */
function readFlags(args: readonly string[]): Given | string {
  const words: string[] = [];
  const values: Record<string, string> = {};
  let json = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    const [flag = "", inline] = word.startsWith("--") ? word.split(/=(.*)/s) : [word];
    const name = FLAGS.get(flag);
    if (flag === "--json") json = true;
    else if (name !== undefined) values[name] = inline ?? args[++at] ?? "";
    else if (word.startsWith("-")) return `there is no flag ${JSON.stringify(word)}`;
    else words.push(word);
  }
  const { timeout = String(DEFAULT_TIMEOUT), count = "1", type = "A" } = values;
  if (!/^\d+(\.\d+)?$/.test(timeout) || Number(timeout) <= 0 || Number(timeout) > 3600)
    return `--timeout must be a number of seconds up to 3600, not ${JSON.stringify(timeout)}`;
  if (!/^[1-9]\d{0,4}$/.test(count))
    return `--count must be a whole number above 0, not ${JSON.stringify(count)}`;
  return {
    words,
    timeout: Math.ceil(Number(timeout) * 1000),
    count: Number(count),
    type: type.toUpperCase(),
    json,
  };
}

const wrong = (complaint: string): Request => ({ tool: "usage", complaint });

const TOOLS: Readonly<Record<string, (given: Given) => Request>> = {
  http: ({ words, timeout }) => {
    const [url = "/", ...more] = words;
    const match = /^(?:http:\/\/([\w.-]+|\[[0-9a-f:]+\]))?(?::(\d{1,5}))?(\/[\x21-\x7e]*)?$/i.exec(url);
    const [, host = "localhost", port = "80", path = "/"] = match ?? [];
    if (!match || url === "" || !isPort(port) || more.length > 0)
      return wrong(`http wants a path or URL such as /health or :8080/health, not ${shown(words)}`);
    return { tool: "http", host, port: Number(port), path, timeout };
  },
  tcp: ({ words, timeout }) => {
    const [port = ""] = words;
    if (words.length !== 1 || !isPort(port))
      return wrong(`tcp wants a port from 1 to 65535, not ${shown(words)}`);
    return { tool: "tcp", port: Number(port), timeout };
  },
  ping: ({ words, count, timeout }) =>
    words.length > 0 ? wrong(`ping wants no ${shown(words)}`) : { tool: "ping", count, timeout },
  dns: ({ words, type, timeout }) => {
    const [name = ""] = words;
    if (words.length !== 1 || !/^[\w.-]{1,253}$/.test(name))
      return wrong(`dns wants a name, not ${shown(words)}`);
    if (type !== "A" && type !== "AAAA") return wrong(`--type can be A or AAAA, not ${JSON.stringify(type)}`);
    return { tool: "dns", name, type, timeout };
  },
  cat: ({ words, timeout }) => {
    const [path = ""] = words;
    if (words.length !== 1 || path === "") return wrong(`cat wants a file of the guest, not ${shown(words)}`);
    return { tool: "cat", path, timeout };
  },
  ls: ({ words, timeout }) => {
    const [path = "/"] = words;
    if (words.length > 1 || path === "") return wrong(`ls wants a folder of the guest, not ${shown(words)}`);
    return { tool: "ls", path, timeout };
  },
  df: ({ words, timeout }) =>
    words.length > 0 ? wrong(`df wants no ${shown(words)}`) : { tool: "df", timeout },
  console: ({ words, timeout }) =>
    words.length > 0 ? wrong(`console wants no ${shown(words)}`) : { tool: "console", timeout },
  stats: ({ words, json }) =>
    words.length > 0 ? wrong(`stats wants no ${shown(words)}`) : { tool: "stats", json },
  status: ({ words, json }) =>
    words.length > 0 ? wrong(`status wants no ${shown(words)}`) : { tool: "status", json },
  trace: ({ words, json }) =>
    words.length > 0 ? wrong(`trace wants no ${shown(words)}`) : { tool: "trace", json },
};

export const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65536;

const shown = (words: readonly string[]): string => JSON.stringify(words.join(" "));
