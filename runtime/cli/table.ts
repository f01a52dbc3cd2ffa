/** The whole command line, once: the fast parser, the help and the completion all read it. Flags and words are runc's. */

export interface Flag {
  readonly name: string;
  readonly alias?: string;
  readonly kind: "text" | "boolean";
  readonly help: string;
}

export interface VerbEntry {
  readonly name: string;
  readonly help: string;
  readonly flags: readonly Flag[];
  /** Names of the arguments; `[…]` may be left out. */
  readonly args: readonly string[];
  /** Everything after the arguments is the verb's own business. */
  readonly open?: true;
}

const text = (name: string, help: string, alias?: string): Flag => ({
  name,
  help,
  kind: "text",
  ...(alias ? { alias } : {}),
});
const boolean = (name: string, help: string, alias?: string): Flag => ({
  name,
  help,
  kind: "boolean",
  ...(alias ? { alias } : {}),
});

export const GLOBALS: readonly Flag[] = [
  text("root", "folder of the containers' state (default /run/unikrun)"),
  boolean("debug", "log more"),
  text("log", "file to log to (default stderr)"),
  text("log-format", "text or json"),
  boolean("systemd-cgroup", "linux.cgroupsPath is slice:prefix:name"),
  text("rootless", "accepted, as engines pass it; unikrun runs as root"),
  text("criu", "accepted, as engines pass it"),
];

const bundle = text("bundle", "folder of the bundle (default .)", "b");

const creation: readonly Flag[] = [
  bundle,
  text("console-socket", "socket that gets the terminal's master (process.terminal)"),
  text("pidfd-socket", "accepted; no pidfd is sent"),
  text("pid-file", "file to write the pid of the container's init to"),
  boolean("no-pivot", "accepted; the machine's cage is always entered by pivot_root"),
  boolean("no-new-keyring", "accepted; a machine has no keyring"),
  text("preserve-fds", "accepted; a guest has no descriptors"),
];

export const VERBS: readonly VerbEntry[] = [
  { name: "create", help: "make a container", flags: creation, args: ["ID"] },
  { name: "start", help: "boot a created container's guest", flags: [], args: ["ID"] },
  { name: "state", help: "print a container's state", flags: [], args: ["ID"] },
  {
    name: "kill",
    help: "send a signal to a container (default SIGTERM)",
    flags: [boolean("all", "to all its processes", "a")],
    args: ["ID", "[SIGNAL]"],
  },
  {
    name: "delete",
    help: "remove a container that does not run",
    flags: [boolean("force", "also one that runs", "f")],
    args: ["ID"],
  },
  {
    name: "list",
    help: "list containers",
    flags: [text("format", "table or json", "f"), boolean("quiet", "ids only", "q")],
    args: [],
  },
  {
    name: "run",
    help: "create and start a container, and wait for it",
    flags: [
      ...creation,
      boolean("detach", "do not wait", "d"),
      boolean("keep", "do not delete it afterwards"),
      boolean("no-subreaper", "accepted"),
    ],
    args: ["ID"],
  },
  {
    name: "spec",
    help: "write a bundle's config.json",
    flags: [text("bundle", "folder to write to (default .)", "b"), boolean("rootless", "accepted")],
    args: [],
  },
  { name: "features", help: "print what this runtime can do", flags: [], args: [] },
  { name: "completion", help: "print a completion script for a shell", flags: [], args: ["[bash|zsh|fish]"] },
  ...["ps", "pause", "resume", "events", "update", "exec", "checkpoint", "restore"].map((name) => ({
    name,
    help: "of containers that are no unikernels, by runc or crun",
    flags: [],
    args: ["ID"],
    open: true as const,
  })),
];
