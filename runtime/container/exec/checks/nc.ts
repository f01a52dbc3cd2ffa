/** What nc is asked for: OpenBSD's, the traditional one, busybox's and ncat. */
import { type Command, isPort, type Refusal, refuse } from "../request.ts";
import { PATIENCE } from "./manner.ts";
import { milliseconds, type Options, readOptions } from "./options.ts";

const OPTIONS: Options = {
  program: "nc",
  inline: true,
  flags: { z: "scan", v: "verbose", verbose: "verbose", n: "", nodns: "", "4": "", "6": "ipv6" },
  values: { w: "timeout", wait: "timeout" },
};

export function readNc(args: readonly string[]): Command | Refusal {
  const given = readOptions(args, OPTIONS);
  if ("why" in given) return given;
  const [host = "", port = "", ...more] = given.words;
  if (!given.flags.has("scan") || !isPort(port) || more.length > 0)
    return refuse("nc", "wants -z, a host and one port");
  const timeout = milliseconds(given.value("timeout"), PATIENCE);
  if (timeout === null) return refuse("nc", `takes no ${JSON.stringify(given.value("timeout"))} for seconds`);
  const family = host.includes(":") || given.flags.has("ipv6") ? { family: 6 as const } : {};
  return {
    request: { tool: "tcp", port: Number(port), timeout, ...family },
    program: "nc",
    place: host,
    // It says nothing of success on stdout, and on stderr where it is asked for.
    redirects: [given.flags.has("verbose") ? "1 2" : "1 null"],
  };
}
