/** The one kind of text for a shell that is understood. There is no shell: what it would do more than this is refused. */
import type { Refusal } from "../request.ts";

export interface ShellLine {
  readonly words: readonly string[];
  /** In order, as init's directive. */
  readonly redirects: readonly string[];
  /** The exit code that becomes of any failure. */
  readonly failure?: number;
}

/** The text that Docker, Compose and people wrap in a shell; null where there is no shell. */
export function shellText(args: readonly string[]): string | null {
  const [shell = "", flag, text, ...more] = args;
  const isShell = /(^|\/)(ba|da|a)?sh$/.test(shell) && flag === "-c" && more.length === 0;
  return isShell ? (text ?? null) : null;
}

const SPACE = /^[ \t]+/;
/** An address in brackets is a pattern to a shell, which nothing in a guest can match. */
const WORD =
  /^(?:[\w./:@%+=?,-]|\[[0-9a-f.]*:[0-9a-f:.]*\]|'[^']*'|"(?:[^"$`\\]|\\[a-z])*")+(?=[ \t]|\|\||$)/i;
const REDIRECT = /^([12]?)(?:>>?[ \t]*(\/dev\/null)|>&([12]))(?=[ \t]|\|\||$)/;
const FAILURE = /^\|\|[ \t]*(?:exit(?:[ \t]+(-1|\d{1,3}))?|(false)|(true))$/;

/** A command, with output to /dev/null or another's, and with `|| exit N` behind it or not. */
export function readShellLine(text: string): ShellLine | Refusal {
  const words: string[] = [];
  const redirects: string[] = [];
  for (let rest = text.trim(); rest !== ""; rest = rest.replace(SPACE, "")) {
    const [failure, code, isFalse, isTrue] = FAILURE.exec(rest) ?? [];
    if (failure !== undefined && words.length > 0) {
      const number = isFalse ? 1 : isTrue ? 0 : code === undefined ? undefined : Number(code) & 0xff;
      return { words, redirects, ...(number === undefined ? {} : { failure: number }) };
    }
    const [redirect, fd, file, from] = REDIRECT.exec(rest) ?? [];
    const [word] = redirect === undefined ? (WORD.exec(rest) ?? []) : [redirect];
    if (word === undefined) return notPlain(rest);
    if (redirect === undefined) words.push(unquoted(word));
    else redirects.push(`${fd || 1} ${file === undefined ? from : "null"}`);
    rest = rest.slice(word.length);
  }
  return { words, redirects };
}

const unquoted = (word: string): string => word.replace(/'([^']*)'|"([^"]*)"/g, "$1$2");

const MOST_SHOWN = 40;

function notPlain(rest: string): Refusal {
  const shown = rest.length > MOST_SHOWN ? `${rest.slice(0, MOST_SHOWN)}…` : rest;
  return {
    why: `of what a shell is told only one command is understood, with "|| exit N" and output to /dev/null, not ${JSON.stringify(shown)}`,
  };
}
