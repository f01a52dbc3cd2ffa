/** What wget is asked for, of GNU's and of busybox's. */
import { type Command, type Refusal, refuse } from "../request.ts";
import { readFetch } from "./fetch.ts";
import type { Manner } from "./manner.ts";
import { type Given, milliseconds, type Options, readOptions } from "./options.ts";
import { readHeaders } from "./url.ts";

const NOTHING =
  "q quiet v verbose no-verbose no-check-certificate no-cache no-proxy no-hsts no-http-keep-alive 4 inet4-only";

const OPTIONS: Options = {
  program: "wget",
  inline: true,
  flags: {
    ...Object.fromEntries(NOTHING.split(" ").map((name) => [name, ""])),
    ...{ spider: "spider", S: "head", "server-response": "head", "6": "ipv6", "inet6-only": "ipv6" },
  },
  values: {
    ...{ O: "output", "output-document": "output", header: "header", U: "agent", "user-agent": "agent" },
    ...{ T: "timeout", timeout: "timeout", "read-timeout": "timeout", "connect-timeout": "connect-timeout" },
    // How often it tries is how often it waits, and with a check that is its engine's to say.
    ...{ t: "", tries: "", "dns-timeout": "", Y: "", n: "short", method: "method" },
  },
};

/** As in the manual of GNU's; busybox has 1 for all of them. */
const CODES: Manner["codes"] = {
  ...{ unreached: 4, late: 4, reset: 4, empty: 4, senseless: 1, cut: 4, untaken: 3, status: 8 },
};

export function readWget(args: readonly string[]): Command | Refusal {
  const given = readOptions(args, OPTIONS);
  return "why" in given ? given : readFetch("wget", given, given.words, readManner);
}

function readManner(given: Given): Manner | Refusal {
  const { flags } = given;
  const output = given.value("output");
  const spider = flags.has("spider");
  if (!spider && output !== "-" && output !== "/dev/null")
    return refuse("wget", "writes no file: it needs --spider, -O - or -O /dev/null");
  if (given.values("short").some((letter) => letter !== "v")) return refuse("wget", "has of -n only -nv");
  const method = given.value("method") ?? "GET";
  if (method !== "GET" && method !== "HEAD") return refuse("wget", `makes no ${method} requests`);
  const connectTimeout = milliseconds(given.value("connect-timeout"), undefined);
  if (connectTimeout === null) return refuse("wget", "wants seconds for --connect-timeout");
  const agent = given.value("agent");
  const lines = [...given.values("header"), ...(agent === undefined ? [] : [`User-Agent: ${agent}`])];
  const headers = readHeaders("wget", lines);
  if ("why" in headers) return headers;
  return {
    method,
    headers,
    after: [],
    failsFrom: 400,
    // busybox's --spider makes a GET, too, which more servers know than a HEAD.
    body: spider ? "left" : output === "-" ? "good" : "read",
    ...(flags.has("head") ? { head: 2 as const } : {}),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    codes: CODES,
  };
}
