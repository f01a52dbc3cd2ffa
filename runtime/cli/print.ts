import { writeAll } from "../../native/files.ts";
import { errorCode } from "../../native/libc.ts";
import { reasonOf, UnikrunError } from "../error.ts";

/** A line on stdout; process.stdout would cost 5 ms to set up. Throws UnikrunError where it can't be written. */
export function print(text: string): void {
  try {
    writeAll(1, Buffer.from(`${text}\n`));
  } catch (cause) {
    const why = `unikrun can't write its answer to stdout (${reasonOf(cause)})`;
    if (errorCode(cause) === "EPIPE") throw Object.assign(new UnikrunError(`${why}.`), { code: "EPIPE" });
    throw new UnikrunError(`${why}: make room there, or send it elsewhere.`, { cause });
  }
}

/** Whether it is print()'s, whose reader has gone, as in `unikrun list | head -1`. */
export const hasNoReader = (error: unknown): boolean =>
  error instanceof UnikrunError && errorCode(error) === "EPIPE";
