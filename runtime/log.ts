/**
 * The log that engines read: `docker` shows the last error line of the --log file to its user.
 * pino is loaded at the first line that is really logged; it costs more than a whole `state`.
 */
import { writeAll } from "../native/files.ts";
import { O_APPEND, O_CREAT, O_WRONLY, openPath, owned } from "../native/libc.ts";

export interface LogTarget {
  /** --log; stderr without it. */
  readonly file?: string;
  readonly format: "text" | "json";
  readonly debug: boolean;
}

type Level = "debug" | "info" | "warning" | "error";

let target: LogTarget = { format: "text", debug: false };

export function setLog(wanted: LogTarget): void {
  target = wanted;
}

/** The lines are composed only where they are wanted. */
export async function debug(lines: () => readonly string[]): Promise<void> {
  if (!target.debug) return;
  for (const line of lines()) await write("debug", line);
}

export const warn = (message: string): Promise<void> => write("warning", message);

/**
 * At once, for work that gives way to nothing else, not even to loading pino. What can't be told this way is not worth an error.
 */
export function inform(message: string): void {
  try {
    using file = target.file ? owned(openPath(target.file, O_WRONLY | O_CREAT | O_APPEND, 0o666)) : null;
    const json = JSON.stringify({ level: "info", time: new Date().toISOString(), msg: message });
    const kept = target.format === "json" ? `${json}\n` : asText(json);
    writeAll(file?.fd ?? 2, Buffer.from(file ? kept : lineOf("info", message)));
  } catch {
    // Its reader may have gone, as Docker does that waits two seconds for a delete.
  }
}

export async function logError(message: string): Promise<void> {
  await write("error", message);
  // Like runc: the person at a terminal sees it too.
  if (target.file) say("error", message);
}

async function write(level: Level, message: string): Promise<void> {
  if (!target.file) return say(level, message);
  const { pino } = await import("pino");
  const destination = pino.destination({ dest: target.file, sync: true, append: true, mkdir: true });
  const line = pino(
    {
      base: null,
      level: "debug",
      customLevels: { warning: 40 },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    target.format === "json"
      ? destination
      : { write: (json: string) => void destination.write(asText(json)) },
  );
  line[level](message);
}

/** As runc's text format, which is logrus's: key=value. */
function asText(json: string): string {
  const { level, time, msg } = JSON.parse(json) as Record<string, string>;
  return `time="${time}" level=${level} msg=${JSON.stringify(msg)}\n`;
}

/** With the level's word, since who calls runtimes looks for `error` in what they print. */
const lineOf = (level: Level, message: string): string => `unikrun: ${level}: ${message}\n`;

/** What `inform` of another unikrun said in a line of its stderr; undefined where it is another's. */
export const toldBy = (line: string): string | undefined => /^unikrun: info: (.*)$/.exec(line)?.[1];

function say(level: Level, message: string): void {
  const line = lineOf(level, message);
  try {
    writeAll(2, Buffer.from(line));
  } catch {
    // Where nothing of the system can be called (no-calls.ts), that is what there is to say.
    console.error(line.trimEnd());
  }
}
