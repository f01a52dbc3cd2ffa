/** A URL and header lines, as they are given to curl and wget. */
import { isPort, type Refusal, refuse } from "../request.ts";

export interface Place {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

const URL_FORM =
  /^(?:http:\/\/)?(?<host>[\w.-]+|\[[0-9a-f:.]+\])(?::(?<port>\d{1,5}))?(?<path>[/?][\w\-.~:/?@!$&'()*+,;=%]*)?(?:#.*)?$/i;

/** What characters a program would encode, or take for a pattern, is refused. */
export function readUrl(program: string, words: readonly string[]): Place | Refusal {
  const [url = "", ...more] = words;
  if (/^https:/i.test(url))
    return refuse(program, 'speaks no https ("unikrun tcp 443" tells whether a port is open)');
  const { host, port = "80", path = "/" } = URL_FORM.exec(url)?.groups ?? {};
  if (host === undefined || !isPort(port) || more.length > 0)
    return refuse(program, `wants one plain URL of http, not ${JSON.stringify(words.join(" "))}`);
  return { host, port: Number(port), path: path.startsWith("/") ? path : `/${path}` };
}

/** Those that say how the answer is to be sent are ours. */
const OURS = /^(?:connection|content-length|transfer-encoding|upgrade|expect|te):/i;

export function readHeaders(program: string, lines: readonly string[]): readonly string[] | Refusal {
  const wrong = lines.find(
    (line) => !/^[\w!#$%&'*+.^`|~-]+:[ \t]*[\x21-\x7e]([\t\x20-\x7e]*)$/.test(line) || OURS.test(line),
  );
  return wrong === undefined ? lines : refuse(program, `sends no header ${JSON.stringify(wrong)}`);
}
