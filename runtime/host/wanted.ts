import { realPath, statusOrNull } from "../../native/files.ts";
import { joinPaths } from "../../native/paths.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import type { Registration } from "./config-format.ts";

/** What a person said on the command line; all of it may be absent. */
export interface Words {
  readonly name: string | undefined;
  readonly binary: string | undefined;
  readonly prefix: string | undefined;
}

/** `root` is "" for the host itself. Throws UnikrunError for a name that not every engine takes. */
export function wantedRegistration(words: Words): Registration & { readonly root: string } {
  const name = words.name ?? "unikrun";
  // What is also a key of TOML without quotes, and a handler of Kubernetes; the two are engines' own.
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name) || name === "runc" || name === "crun")
    throw new UnikrunError(
      `The name ${JSON.stringify(name)} can't be a runtime's: take up to 63 small letters, digits and dashes, and not runc or crun.`,
    );
  return {
    name,
    binary: words.binary === undefined ? ownPath() : absolute(words.binary),
    root: rootOf(words.prefix),
  };
}

/** Throws UnikrunError where engines would find no program that they can start. */
export function checkProgram(root: string, binary: string): void {
  const status = statusOrNull(root + binary);
  if (status?.isFile && (status.mode & 0o111) !== 0) return;
  throw new UnikrunError(
    `${root}${binary} is ${status ? "not a program" : "not there"}, so no engine could start it: put unikrun there first, or say by --binary where it is.`,
  );
}

function ownPath(): string {
  // Run from source, this process is Bun itself.
  if (Bun.main.startsWith("/$bunfs/")) return realPath(process.execPath);
  throw new UnikrunError(
    "This unikrun is no file of its own yet: say by --binary where the one is that engines are to start.",
  );
}

function rootOf(prefix: string | undefined): string {
  if (prefix === undefined) return "";
  try {
    const root = realPath(absolute(prefix));
    return root === "/" ? "" : root;
  } catch (cause) {
    throw new UnikrunError(
      `The folder ${prefix} can't be used (${reasonOf(cause)}): say one that exists by --prefix.`,
      {
        cause,
      },
    );
  }
}

const absolute = (path: string): string =>
  path.startsWith("/") ? joinPaths(path) : joinPaths(process.cwd(), path);
