/** The rows of docs/engines.md: what a user, an operator or an engine does to a container. */
export const ROWS = {
  Verbs: [
    "create",
    "start",
    "run",
    "state",
    "list",
    "ps",
    "pause",
    "resume",
    "events (statistics)",
    "update",
    "kill",
    "delete",
    "delete --force",
    "exec of unikrun's commands",
    "exec of another program",
    "checkpoint",
    "restore",
    "features",
    "spec",
    "version",
  ],
  "How it ends": [
    "the program's exit code",
    "a panic is 134",
    "a graceful stop is 143",
    "a killed machine is 137",
    "restart",
    "restart policy",
  ],
  "Input and output": ["logs", "standard input", "terminal", "attach"],
  Network: [
    "address of the engine's network",
    "published port",
    "port forwarding",
    "names on the engine's network",
    "IPv6",
    "several networks",
    "network connected while it runs",
    "no network",
    "the host's network",
    "second unikernel in one namespace",
    "Linux container in one namespace",
  ],
  Storage: [
    "volume for writing",
    "read-only folder",
    "single file",
    "tmpfs",
    "files copied out of the image",
  ],
  "Limits and settings": [
    "memory limit",
    "CPU limit",
    "limit of processes",
    "arguments, environment, host name",
    "annotations",
    "an init of the engine's",
    "privileged",
    "user and read-only root",
    "seccomp, capabilities, no new privileges",
    "user namespace",
    "health check",
  ],
} as const;

export type Row = (typeof ROWS)[keyof typeof ROWS][number];

/** All of them, in their order. */
export const allRows: readonly Row[] = Object.values(ROWS).flat();

/** "works", "refused: WORDS" or "not applicable: WHY", by row. */
export type Answers = Readonly<Record<string, string>>;

/** By engine and what was tried with, as in "Docker 28": "28.5.2". */
export interface Table {
  readonly versions: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<string, Answers>>;
}
