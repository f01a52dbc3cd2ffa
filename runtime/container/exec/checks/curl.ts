/** What curl is asked for, of versions 7 and 8. */
import { type Command, type Refusal, refuse } from "../request.ts";
import { readFetch } from "./fetch.ts";
import type { Manner } from "./manner.ts";
import { type Given, milliseconds, type Options, readOptions } from "./options.ts";
import { readHeaders } from "./url.ts";

/** -L is none of a difference: a redirect is a success, and is not followed. */
const NOTHING =
  "s silent S show-error no-progress-meter # progress-bar N no-buffer g globoff k insecure L location q disable 0 http1.0 http1.1 4 ipv4";

const OPTIONS: Options = {
  program: "curl",
  inline: false,
  flags: {
    ...Object.fromEntries(NOTHING.split(" ").map((name) => [name, ""])),
    ...{ f: "fail", fail: "fail", "fail-with-body": "fail-with-body" },
    ...{ I: "head", head: "head", i: "include", include: "include", v: "verbose", verbose: "verbose" },
    ...{ "6": "ipv6", ipv6: "ipv6" },
  },
  values: {
    ...{ m: "timeout", "max-time": "timeout", "connect-timeout": "connect-timeout", retry: "retry" },
    ...{ o: "output", output: "output", w: "write-out", "write-out": "write-out" },
    ...{ H: "header", header: "header", A: "agent", "user-agent": "agent", u: "user", user: "user" },
    ...{ X: "method", request: "method", url: "url", noproxy: "" },
  },
};

/** libcurl-errors(3). */
const CODES: Manner["codes"] = {
  ...{ unreached: 7, late: 28, reset: 56, empty: 52, senseless: 1, cut: 18, untaken: 23, status: 22 },
};

export function readCurl(args: readonly string[]): Command | Refusal {
  const given = readOptions(args, OPTIONS);
  return "why" in given
    ? given
    : readFetch("curl", given, [...given.values("url"), ...given.words], readManner);
}

function readManner(given: Given): Manner | Refusal {
  const { flags } = given;
  const output = given.value("output") ?? "-";
  if (output !== "-" && output !== "/dev/null")
    return refuse("curl", `writes to no file but /dev/null, so not to ${JSON.stringify(output)}`);
  const asked = given.value("method") ?? (flags.has("head") ? "HEAD" : "GET");
  if (asked !== "GET" && asked !== "HEAD") return refuse("curl", `makes no ${asked} requests`);
  if (Number(given.value("retry") ?? 0) !== 0)
    return refuse("curl", "tries once only: its engine asks again");
  const connectTimeout = milliseconds(given.value("connect-timeout"), undefined);
  if (connectTimeout === null) return refuse("curl", "wants seconds for --connect-timeout");
  const headers = readHeaders("curl", [...given.values("header"), ...identity(given)]);
  if ("why" in headers) return headers;
  const after = readTemplate(given.value("write-out") ?? "");
  if (!after) return refuse("curl", "knows no variable but %{http_code} for --write-out");
  const headOnly = flags.has("head");
  const shown = output === "-";
  const head = shown && (headOnly || flags.has("include")) ? 1 : flags.has("verbose") ? 2 : undefined;
  return {
    method: asked,
    headers,
    after,
    failsFrom: flags.has("fail") || flags.has("fail-with-body") ? 400 : 600,
    body: headOnly ? "left" : !shown ? "read" : flags.has("fail") ? "good" : "all",
    ...(head === undefined ? {} : { head }),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    codes: CODES,
  };
}

function identity(given: Given): string[] {
  const agent = given.value("agent");
  const user = given.value("user");
  return [
    ...(agent === undefined ? [] : [`User-Agent: ${agent}`]),
    ...(user === undefined ? [] : [`Authorization: Basic ${Buffer.from(user).toString("base64")}`]),
  ];
}

/** The texts of Manner's `after`; null where there is another variable in it. */
function readTemplate(template: string): string[] | null {
  const pieces = template.split(/%\{(?:http|response)_code\}/);
  const ESCAPES: Readonly<Record<string, string>> = { "\\n": "\n", "\\r": "\r", "\\t": "\t", "%%": "%" };
  if (template.startsWith("@") || pieces.some((piece) => /%(?!%)/.test(piece.replaceAll("%%", ""))))
    return null;
  return pieces.flatMap((piece, at) => {
    const text = piece.replace(/\\[nrt]|%%/g, (pair) => ESCAPES[pair] ?? pair);
    return [...(at > 0 ? [""] : []), ...(text === "" ? [] : [text])];
  });
}
