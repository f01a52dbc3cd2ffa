/**
 * The environment of a Linux guest's init. The kernel makes a variable of each word NAME=VALUE that is no parameter of its own; and
 * parameters have small letters in their names, so names without are safe from being any.
 */
import { UnikrunError } from "../../error.ts";
import { kernelWord } from "./words.ts";

const SAFE = /^[A-Z_][A-Z0-9_]*$/;
/** What engines set by themselves, and no kernel knows. */
const PROXIES: ReadonlySet<string> = new Set(
  ["http", "https", "ftp", "all", "no"].map((kind) => `${kind}_proxy`),
);

/** The kernel has two of its own, which can be told anew, and room for 31 (CONFIG_INIT_ENV_ARG_LIMIT); old kernels take `ip` and `hostname` for some, too. */
const OWN: ReadonlySet<string> = new Set(["HOME", "TERM"]);
const MOST = 29;

/** `env`: NAME=VALUE each. Throws UnikrunError for what the kernel would not take so, or for more than that. */
export function linuxEnvironment(env: readonly string[]): string[] {
  const last = new Map(env.map((variable) => [nameOf(variable), variable]));
  const count = [...last.keys()].filter((name) => !OWN.has(name)).length;
  if (count > MOST)
    throw new UnikrunError(
      `A Linux guest can be told ${MOST} environment variables beside HOME and TERM, and these are ${count}: leave some out.`,
    );
  return [...last].map(([name, variable]) => {
    const what = `the environment variable ${JSON.stringify(name)}`;
    if (!SAFE.test(name) && !PROXIES.has(name))
      throw new UnikrunError(
        `A Linux guest can't be told ${what}: the kernel would take it for a parameter, or leave it out; name it in capital letters, digits and _, or have init read it from a file.`,
      );
    const parameter = hiddenParameter(variable);
    if (parameter !== undefined)
      throw new UnikrunError(
        `A Linux guest can't be told ${what}: in its value stands ${JSON.stringify(parameter)} behind a blank, which who looks through /proc/cmdline takes for a parameter; have init read it from a file.`,
      );
    return kernelWord(variable, what);
  });
}

const nameOf = (variable: string): string => variable.split("=", 1)[0] ?? "";

/** The kernel's own early code, and scripts, split the line at blanks wherever quotes are. */
const hiddenParameter = (variable: string): string | undefined => /\s"?([a-z][\w.-]*=)/.exec(variable)?.[1];
