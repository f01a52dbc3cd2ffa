/**
 * The log that engines read: `docker` shows the last error line of the --log file to its user.
 * pino is loaded at the first line that is really logged; it costs more than a whole `state`.
 */
import { writeAll } from "../native/files.ts";

export interface LogTarget {
  /** --log; stderr without it. */
  readonly file?: string;
  readonly format: "text" | "json";
  readonly debug: boolean;
}

type Level = "debug" | "warning" | "error";

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
function say(level: Level, message: string): void {
  const line = `unikrun: ${level}: ${message}`;
  try {
    writeAll(2, Buffer.from(`${line}\n`));
  } catch {
    // Where nothing of the system can be called (no-calls.ts), that is what there is to say.
    console.error(line);
  }
}
