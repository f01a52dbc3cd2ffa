/** Health checks as they are written for containers: in a shell's words, and with its programs. */
import { type Command, type Refusal, readRequest } from "../request.ts";
import { readCurl } from "./curl.ts";
import { readNc } from "./nc.ts";
import { readShellLine, shellText } from "./shell-line.ts";
import { readWget } from "./wget.ts";

const PROGRAMS: Readonly<Record<string, (args: readonly string[]) => Command | Refusal>> = {
  curl: readCurl,
  wget: readWget,
  nc: readNc,
  ncat: readNc,
  netcat: readNc,
};

/** Programs that speak what unikrun does not, with the port that they ask. */
const CLIENTS: Readonly<Record<string, number>> = {
  pg_isready: 5432,
  "redis-cli": 6379,
  "valkey-cli": 6379,
  mysqladmin: 3306,
  "mariadb-admin": 3306,
  mongosh: 27017,
};

export function understand(args: readonly string[]): Command | Refusal {
  const text = shellText(args);
  if (text === null) return readWords(args);
  const line = readShellLine(text);
  if ("why" in line) return line;
  const command = readWords(line.words);
  if ("why" in command) return command;
  const { failure } = line;
  return {
    ...command,
    redirects: [...(command.redirects ?? []), ...line.redirects],
    ...(failure === undefined ? {} : { failure }),
  };
}

function readWords(words: readonly string[]): Command | Refusal {
  const request = readRequest(words);
  if (request) return { request };
  const [first = "", second = "", ...rest] = words;
  const [name, args] = nameOf(first) === "busybox" ? [second, rest] : [nameOf(first), words.slice(1)];
  if (Object.hasOwn(PROGRAMS, name)) return PROGRAMS[name]?.(args) ?? { why: null };
  return {
    why: Object.hasOwn(CLIENTS, name)
      ? `"unikrun tcp ${CLIENTS[name]}" tells whether its server takes connections`
      : null,
  };
}

const nameOf = (path: string): string => path.replace(/^.*\//, "");
