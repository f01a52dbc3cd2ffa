/** Prints unikrun(8), made from the one table of the command line and the schema of the settings. */
import schema from "../config.schema.json";
import { version } from "../package.json";
import { type Flag, GLOBALS, VERBS, type VerbEntry } from "../runtime/cli/table.ts";

/** roff takes a backslash for its own, a hyphen for a line's break, and a dot or apostrophe at a line's beginning for a request. */
const text = (words: string): string =>
  words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1");

const item = (term: string, words: string): string => `.TP\n${term}\n${text(words)}`;
const bold = (word: string): string => `\\fB${text(word)}\\fR`;
const italic = (word: string): string => `\\fI${text(word)}\\fR`;

function flagLines({ name, alias, kind, choices, help }: Flag): string {
  const value = kind === "boolean" ? "" : ` \\fI${choices?.map(text).join("|") ?? "VALUE"}\\fR`;
  const names = [...(alias ? [`-${alias}`] : []), `--${name}`].map(bold);
  return item(`${names.join(", ")}${value}`, help);
}

async function verbLines(verb: VerbEntry): Promise<string> {
  const usage = [bold(verb.name), ...verb.args.map(italic)].join(" ");
  const help = verb.delegated
    ? `${verb.help}; one that is no unikernel is handed to runc or crun`
    : verb.help;
  const flags = verb.flags();
  const more = await verb.more?.();
  return [
    `.SS ${usage}`,
    text(help),
    ...flags.filter(({ criu }) => !criu).map(flagLines),
    ...(flags.some(({ criu }) => criu) ? [".PP\nIt takes flags for CRIU, too, which are at the end."] : []),
    ...(more === undefined ? [] : [`.PP\n.nf\n${text(more.trimEnd())}\n.fi`]),
  ].join("\n");
}

const criuFlags = (): string =>
  VERBS.flatMap((verb) => {
    const flags = verb.flags().filter(({ criu }) => criu);
    return flags.length > 0 ? [`.SS ${bold(verb.name)}`, ...flags.map(flagLines)] : [];
  }).join("\n");

/** The keys of a settings file; where the file says nothing of one, its definition does. */
function settingsLines(kind: "host" | "image"): string {
  const { definitions } = schema;
  const described = (key: string, own: object): string => {
    if ("description" in own) return String(own.description);
    const definition = definitions[key as keyof typeof definitions] ?? {};
    return "description" in definition ? String(definition.description) : "";
  };
  return Object.entries<object>(definitions[kind].properties)
    .filter(([key]) => key !== "$schema")
    .map(([key, own]) => item(bold(key), described(key, own)))
    .join("\n");
}

const { host, annotations } = schema.definitions;
const hostsToo = Object.keys(annotations.properties).filter((key) => key in host.properties);

const EXIT_STATUS: Readonly<Record<string, string>> = {
  "0": "It is done. Of check: guests can run here. Of inspect FILE: it can be booted.",
  "1": "It is not, and a sentence on stderr (with --log in that file, too) says why and what to do; or the answer could not be written to stdout.",
  N: "Of run and exec the program's own: the guest's exit code, 134 for a panic of its kernel, 139 for a fault, 128 + N where signal N ended it, 125 where the VMM failed; of a command about a guest what it found.",
  "141":
    "A shell's word for SIGPIPE: nobody read stdout any more, as with unikrun list | head -1. Where the caller ignores that signal it is 1, with a sentence.",
};

const EXAMPLES: readonly (readonly [words: string, ...lines: string[]])[] = [
  ["What this host has, and what to do about what is missing:", "unikrun check"],
  [
    "Tell Docker, and run a unikernel's image:",
    "unikrun install docker",
    "systemctl reload docker",
    "docker run -d -p 8080:80 --runtime=unikrun my/unikernel",
  ],
  [
    "What runs, why it is slow, and what it printed last:",
    "unikrun list",
    "unikrun status shop",
    "unikrun logs --tail 20 shop",
  ],
  ["Whether a file can be booted:", "unikrun inspect ./hello.bin"],
  [
    "A container by hand, in a bundle with the kernel as rootfs/unikernel.bin:",
    "unikrun spec",
    "unikrun run hello",
  ],
  ["Ask a guest's web server from beside it:", "unikrun exec hello unikrun http /health"],
  ["Bring back what guests wrote, after a crash of the host:", "unikrun volumes"],
];

const ENVIRONMENT: Readonly<Record<string, string>> = {
  XDG_RUNTIME_DIR:
    "Without the host's root, $XDG_RUNTIME_DIR/unikrun is the folder of the containers' state.",
  PATH: "Where runc or crun is looked for when it is in none of the usual folders.",
};

const FILES: Readonly<Record<string, string>> = {
  "/etc/unikrun/config.json": "The host's settings, see below; there need be none.",
  "/unikrun.json": "In an image: the image's settings, see below; there need be none.",
  "/run/unikrun": "What is known of containers, where the engine says nothing else by --root.",
  "/run/unikrun-host": "What was found out about QEMU and KVM, and disks of volumes that are in memory only.",
  "/var/lib/unikrun": "Disks of volumes and of read-only files, and templates of warm starts.",
  "/usr/share/unikrun/config.schema.json": "The schema of the settings.",
  "/usr/share/doc/unikrun": "Documents and examples.",
};

const items = (facts: Readonly<Record<string, string>>, shape: (term: string) => string): string =>
  Object.entries(facts)
    .map(([term, words]) => item(shape(term), words))
    .join("\n");

console.log(`.TH UNIKRUN 8 "" "unikrun ${version}" "System administration"
.SH NAME
unikrun \\- OCI runtime that runs unikernels as containers
.SH SYNOPSIS
.B unikrun
[\\fIflags\\fR] \\fIcommand\\fR [\\fIflags\\fR] [\\fIarguments\\fR]
.SH DESCRIPTION
Docker, containerd, Podman and Kubernetes call unikrun where they would call runc. A container whose program is a unikernel
becomes a virtual machine in the container's namespaces and cgroup; any other is handed to runc or crun.
.SH FLAGS
These go before the command. Flags of one letter can stand together, as in \\fB\\-qf json\\fR.
${GLOBALS.map(flagLines).join("\n")}
.SH COMMANDS
${(await Promise.all(VERBS.map(verbLines))).join("\n")}
.SH EXIT STATUS
${items(EXIT_STATUS, bold)}
.SH EXAMPLES
${EXAMPLES.map(([words, ...lines]) => `.PP\n${text(words)}\n.PP\n.nf\n.RS\n${lines.map((line) => `# ${text(line)}`).join("\n")}\n.RE\n.fi`).join("\n")}
.SH ENVIRONMENT
${items(ENVIRONMENT, bold)}
.SH FILES
${items(FILES, italic)}
.SH SETTINGS
Both files are JSON. Annotations \\fBorg.unikrun.\\fR\\fINAME\\fR of a container win over both, setting by setting.
.SS /etc/unikrun/config.json
${settingsLines("host")}
.SS /unikrun.json in an image
${settingsLines("image")}
.SS Annotations
All of an image's can be set so, and of the host's
${hostsToo.map(bold).join(", ")}.
.SH FLAGS FOR CRIU
The runtime of Linux containers passes them on; a guest's checkpoint has no use for them.
${criuFlags()}
.SH SEE ALSO
.BR runc (8),
.BR qemu (1)`);
