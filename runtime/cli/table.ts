/** The whole command line, once: the fast parser, the help and the completion all read it. Flags and words are runc's. */

export interface Flag {
  readonly name: string;
  /** One letter. */
  readonly alias?: string;
  /** A boolean takes a value only as `--flag=false`; a number is a whole one. */
  readonly kind: "boolean" | "string" | "number";
  /** The only values there are. */
  readonly choices?: readonly string[];
  readonly help: string;
  /** Passed on to CRIU by the runtime of Linux containers. */
  readonly criu?: true;
}

export interface VerbEntry {
  readonly name: string;
  readonly help: string;
  /** A function, so that a call pays for the flags of its own verb only. */
  readonly flags: () => readonly Flag[];
  /** Names of the arguments; `[…]` may be left out, and `[NAME…]` stands for any number. */
  readonly args: readonly string[];
  /** What follows the container's id is another program's, flags and all. */
  readonly endsAtId?: true;
  /** Flags that the table does not know are no error: another runtime may know them. */
  readonly delegated?: true;
  /** What it prints where all goes well, nothing unless said: facts have `--json`. */
  readonly prints?: "facts" | "text";
  /** What its help ends with. */
  readonly more?: () => Promise<string>;
}

interface Extra {
  readonly alias?: string;
  readonly choices?: readonly string[];
}

const boolean = (name: string, help: string, alias?: string): Flag => ({
  name,
  help,
  kind: "boolean",
  ...(alias ? { alias } : {}),
});
const string = (name: string, help: string, extra: Extra = {}): Flag => ({
  name,
  help,
  kind: "string",
  ...extra,
});
const number = (name: string, help: string): Flag => ({ name, help, kind: "number" });

/** Every verb has it, too. */
export const HELP = boolean("help", "show this help", "h");

export const GLOBALS: readonly Flag[] = [
  string(
    "root",
    "folder of the containers' state (default /run/unikrun, without root $XDG_RUNTIME_DIR/unikrun)",
  ),
  boolean("debug", "log more"),
  string("log", "file to log to (default stderr)"),
  string("log-format", "how to log (default text)", { choices: ["text", "json"] }),
  boolean("systemd-cgroup", "linux.cgroupsPath is slice:prefix:name"),
  string("rootless", "for the runtime of Linux containers; unikernels need root"),
  string("criu", "accepted, as engines pass it"),
  boolean("version", "print the version", "v"),
  HELP,
];

const json = boolean("json", "print it as JSON");
/** Where the answer is JSON whatever was asked for. */
const onlyJson = boolean("json", "accepted; it is always JSON");
const formats = string("format", "how to print (default table)", { alias: "f", choices: ["table", "json"] });
const bundle = string("bundle", "folder of the bundle (default .)", { alias: "b" });
const consoleSocket = string("console-socket", "socket that gets the terminal's master (process.terminal)");
const pidFile = string("pid-file", "file to write the pid of the container's init to");
const pidfdSocket = string("pidfd-socket", "socket that gets a pidfd of that process");
const detach = boolean("detach", "do not wait", "d");
const noPivot = boolean("no-pivot", "accepted; the machine's cage is always entered by pivot_root");
const noSubreaper = boolean("no-subreaper", "accepted");
const none = (): readonly Flag[] => [];

const creation = (): readonly Flag[] => [
  bundle,
  consoleSocket,
  pidfdSocket,
  pidFile,
  noPivot,
  boolean("no-new-keyring", "accepted; a machine has no keyring"),
  number("preserve-fds", "accepted; a guest has no descriptors"),
  boolean("no-mount-fallback", "accepted; a guest mounts for itself"),
];

const registration = (): readonly Flag[] => [
  boolean("dry-run", "print what would change, and change nothing"),
  string("binary", "path of the program that engines are to start (default: this one)"),
  string("name", "name of the runtime (default unikrun)"),
  string("prefix", "folder in place of /, as when an image of a system is made"),
];

const imagePath = string("image-path", "folder of the checkpoint");

const criu = (...own: readonly Flag[]): readonly Flag[] =>
  [
    string("work-path", "folder of CRIU's logs"),
    boolean("tcp-established", "allow open TCP connections"),
    boolean("ext-unix-sk", "allow external unix sockets"),
    boolean("shell-job", "allow shell jobs"),
    boolean("lazy-pages", "move memory by userfaultfd"),
    boolean("file-locks", "handle file locks"),
    string("manage-cgroups-mode", "what CRIU does with cgroups", {
      choices: ["soft", "full", "strict", "ignore"],
    }),
    string("empty-ns", "make a namespace without restoring it"),
    boolean("auto-dedup", "store no memory twice"),
    ...own,
  ].map((flag): Flag => ({ ...flag, criu: true }));

const shared = { args: ["ID"], delegated: true } as const;

/** Of their flags many are for Linux programs, whose runtime judges them. */
const SHARED: readonly VerbEntry[] = [
  {
    ...shared,
    name: "exec",
    help: "run a command about a guest (unikrun http, tcp, ping, …), or a process in a Linux container",
    prints: "text",
    flags: () => [
      consoleSocket,
      pidfdSocket,
      string("cwd", "working folder"),
      string("env", "NAME=VALUE for its environment", { alias: "e" }),
      boolean("interactive", "accepted; it always has the caller's stdin", "i"),
      boolean("tty", "with a terminal", "t"),
      string("user", "UID[:GID]", { alias: "u" }),
      string("additional-gids", "further groups", { alias: "g" }),
      string("process", "file with the process in JSON", { alias: "p" }),
      detach,
      string("pid-file", "file to write the process's pid to"),
      string("process-label", "SELinux label"),
      string("apparmor", "AppArmor profile"),
      boolean("no-new-privs", "no new privileges"),
      string("cap", "capability to add", { alias: "c" }),
      number("preserve-fds", "so many descriptors more"),
      string("cgroup", "cgroup below the container's"),
      boolean("ignore-paused", "even in a paused container"),
    ],
    args: ["ID", "[COMMAND…]"],
    endsAtId: true,
    more: async () => (await import("../container/exec/usage.ts")).USAGE,
  },
  {
    ...shared,
    name: "checkpoint",
    help: "save a container to a folder, and end it",
    flags: () => [
      imagePath,
      boolean("leave-running", "do not stop it"),
      ...criu(
        string("parent-path", "folder of an earlier pre-dump"),
        boolean("tcp-skip-in-flight", "skip TCP connections that are being made"),
        boolean("link-remap", "link unlinked files again"),
        number("status-fd", "descriptor to tell when lazy pages are ready"),
        string("page-server", "ADDRESS:PORT of a page server"),
        boolean("pre-dump", "save the memory only"),
      ),
    ],
  },
  {
    ...shared,
    name: "restore",
    help: "bring back a container that was saved",
    flags: () => [
      imagePath,
      bundle,
      consoleSocket,
      detach,
      pidFile,
      noSubreaper,
      noPivot,
      ...criu(
        string("lsm-profile", "TYPE:NAME of a security profile"),
        string("lsm-mount-context", "security context of the mounts"),
      ),
    ],
  },
];

export const VERBS: readonly VerbEntry[] = [
  { name: "create", help: "make a container", flags: creation, args: ["ID"] },
  { name: "start", help: "boot a created container's guest", flags: none, args: ["ID"] },
  {
    name: "state",
    help: "print a container's state",
    prints: "facts",
    flags: () => [onlyJson],
    args: ["ID"],
  },
  {
    name: "kill",
    help: "send a signal to a container (default SIGTERM)",
    flags: () => [boolean("all", "to all its processes", "a")],
    args: ["ID", "[SIGNAL]"],
  },
  {
    name: "delete",
    help: "remove a container that does not run",
    flags: () => [boolean("force", "also one that runs", "f")],
    args: ["ID"],
  },
  { name: "pause", help: "freeze a container", flags: none, args: ["ID"] },
  { name: "resume", help: "go on with a paused container", flags: none, args: ["ID"] },
  {
    name: "events",
    help: "print a container's statistics, now and then",
    prints: "facts",
    args: ["ID"],
    flags: () => [
      onlyJson,
      string("interval", "time between statistics (default 5s)"),
      boolean("stats", "print statistics once"),
    ],
  },
  {
    name: "update",
    args: ["ID"],
    help: "change a container's limits",
    flags: () => [
      string("resources", "file with linux.resources in JSON, - for stdin", { alias: "r" }),
      number("blkio-weight", "weight of block I/O, 10 to 1000"),
      string("cpu-period", "length of a period in µs"),
      string("cpu-quota", "CPU time in a period in µs"),
      string("cpu-burst", "CPU time that may be saved up in µs"),
      string("cpu-share", "weight against other containers"),
      string("cpu-rt-period", "length of a real-time period in µs"),
      string("cpu-rt-runtime", "real-time CPU time in a period in µs"),
      string("cpuset-cpus", "CPUs to use"),
      string("cpuset-mems", "memory nodes to use"),
      string("cpu-idle", "1 for SCHED_IDLE"),
      string("memory", "limit, in bytes or as 512m, -1 for none"),
      string("memory-reservation", "soft limit, likewise"),
      string("memory-swap", "limit of memory and swap together, likewise"),
      string("kernel-memory", "obsolete"),
      string("kernel-memory-tcp", "obsolete"),
      number("pids-limit", "most processes there may be"),
      string("l3-cache-schema", "refused; Intel RDT is not used"),
      string("mem-bw-schema", "refused; Intel RDT is not used"),
    ],
  },
  {
    name: "list",
    help: "list the containers of all engines, or of those in --root",
    prints: "facts",
    flags: () => [formats, json, boolean("quiet", "ids only", "q"), boolean("names", "names only")],
    args: [],
  },
  {
    name: "status",
    help: "say how a container's guest does, stopped ones too: accelerator, limits, memory, last exit",
    prints: "facts",
    flags: () => [json],
    args: ["CONTAINER"],
  },
  {
    name: "trace",
    help: "say what happened to a container when, from its create to its guest's end, and whose time it took",
    prints: "facts",
    flags: () => [json],
    args: ["CONTAINER"],
  },
  {
    name: "logs",
    help: "print what a container's guest has printed, by its engine's client",
    prints: "text",
    flags: () => [
      boolean("follow", "go on with what it prints from now on", "f"),
      number("tail", "so many of the last lines only"),
    ],
    args: ["CONTAINER"],
  },
  {
    name: "ps",
    help: "list a container's processes",
    prints: "facts",
    flags: () => [formats, json],
    args: ["ID", "[PS-OPTION…]"],
    endsAtId: true,
  },
  {
    name: "run",
    help: "create and start a container, and wait for it",
    flags: () => [...creation(), detach, boolean("keep", "do not delete it afterwards"), noSubreaper],
    args: ["ID"],
  },
  {
    name: "spec",
    help: "write a bundle's config.json",
    flags: () => [
      string("bundle", "folder to write to (default .)", { alias: "b" }),
      boolean("rootless", "accepted"),
    ],
    args: [],
  },
  {
    name: "features",
    help: "print what this runtime can do",
    prints: "facts",
    flags: () => [onlyJson],
    args: [],
  },
  {
    name: "inspect",
    help: "say what unikernel a file is, or a container, what it needs, and what it can be told",
    prints: "facts",
    flags: () => [string("image", "folder of an unpacked image; FILE is a path in it"), json],
    args: ["[FILE|CONTAINER]"],
  },
  {
    name: "volumes",
    help: "bring what guests wrote back into their volumes, after a crash of the host",
    prints: "facts",
    flags: () => [string("store", "folder of the volumes' disks (default: as in the host's settings)"), json],
    args: ["[FOLDER…]"],
  },
  {
    name: "templates",
    help: "list what is kept of guests for warm starts (org.unikrun.warm)",
    prints: "facts",
    flags: () => [
      json,
      string("store", "folder of the templates (default: as in the host's settings)"),
      boolean("remove", "remove those that are named, or all"),
      string("keep", "id of a container that is to be kept once it listens, as start does it"),
    ],
    args: ["[TEMPLATE…]"],
  },
  {
    name: "install",
    help: "tell docker, containerd, podman, k3s or crio of this runtime (default: those that are here)",
    prints: "text",
    flags: registration,
    args: ["[ENGINE…]"],
  },
  {
    name: "uninstall",
    help: "take back what install told them",
    prints: "text",
    flags: registration,
    args: ["[ENGINE…]"],
  },
  {
    name: "check",
    help: "say what this host has, and what to do about what is missing",
    prints: "facts",
    flags: () => [json],
    args: [],
  },
  {
    name: "report",
    help: "write what a bug report needs, without guests' arguments and environment",
    prints: "text",
    flags: () => [string("output", "file to write to (default stdout)", { alias: "o" })],
    args: [],
  },
  {
    name: "completion",
    help: "print a completion script for a shell",
    prints: "text",
    flags: none,
    args: ["[bash|zsh|fish]"],
  },
  { name: "version", help: "print the version", prints: "facts", flags: () => [json], args: [] },
  { name: "help", help: "tell more of a command", prints: "text", flags: none, args: ["[COMMAND]"] },
  ...SHARED,
];
