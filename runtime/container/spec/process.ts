import { UnikrunError } from "../../error.ts";
import { absolutePath, all, type Check, flag, list, object, oneOf, text, unique, whole } from "./check.ts";

/** Of setrlimit(2) on Linux. */
const RESOURCES = [
  "RLIMIT_CPU",
  "RLIMIT_FSIZE",
  "RLIMIT_DATA",
  "RLIMIT_STACK",
  "RLIMIT_CORE",
  "RLIMIT_RSS",
  "RLIMIT_NPROC",
  "RLIMIT_NOFILE",
  "RLIMIT_MEMLOCK",
  "RLIMIT_AS",
  "RLIMIT_LOCKS",
  "RLIMIT_SIGPENDING",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
];

/** Of users and groups. */
export const id = whole(0, 2 ** 32 - 1);

const rlimit: Check = all(
  object({ type: oneOf(RESOURCES), soft: whole(0), hard: whole(0) }),
  (value, place) => {
    const { soft, hard } = value as { soft: number; hard: number };
    if (soft > hard)
      throw new UnikrunError(`${place}: the soft limit ${soft} is above the hard limit ${hard}.`);
  },
);

const capabilities = list(text);

/** process (config.md, Process). Capabilities that nobody knows are accepted, as the specification wants it. */
export const checkProcess = object(
  { cwd: absolutePath },
  {
    terminal: flag,
    consoleSize: object({ height: whole(0, 65535), width: whole(0, 65535) }),
    user: object({ uid: id, gid: id }, { umask: whole(0, 0o7777), additionalGids: list(id), username: text }),
    args: list(text),
    env: list(text),
    rlimits: all(list(rlimit), unique("type")),
    apparmorProfile: text,
    selinuxLabel: text,
    oomScoreAdj: whole(-1000, 1000),
    noNewPrivileges: flag,
    capabilities: object(
      {},
      {
        bounding: capabilities,
        effective: capabilities,
        inheritable: capabilities,
        permitted: capabilities,
        ambient: capabilities,
      },
    ),
  },
);
