/** What curl and wget have in common: one URL, a time, and a manner of their own. */
import { type Command, type Refusal, refuse } from "../request.ts";
import { type Manner, PATIENCE } from "./manner.ts";
import { type Given, milliseconds } from "./options.ts";
import { readUrl } from "./url.ts";

export function readFetch(
  program: "curl" | "wget",
  given: Given,
  urls: readonly string[],
  readManner: (given: Given) => Manner | Refusal,
): Command | Refusal {
  const place = readUrl(program, urls);
  if ("why" in place) return place;
  const manner = readManner(given);
  if ("why" in manner) return manner;
  const timeout = milliseconds(given.value("timeout"), PATIENCE);
  if (timeout === null)
    return refuse(program, `takes no ${JSON.stringify(given.value("timeout"))} for seconds`);
  const family = given.flags.has("ipv6") ? { family: 6 as const } : {};
  return { request: { tool: "http", ...place, timeout, manner, ...family }, program, place: place.host };
}
