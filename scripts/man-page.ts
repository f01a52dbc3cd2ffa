/** Prints unikrun(8), made from the one table of the command line. */
import { version } from "../package.json";
import { type Flag, GLOBALS, VERBS, type VerbEntry } from "../runtime/cli/table.ts";

/** roff takes a backslash for its own, a hyphen for a line's break, and a dot or apostrophe at a line's beginning for a request. */
const text = (words: string): string =>
  words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1");

function flagLines({ name, alias, kind, choices, help }: Flag): string {
  const value = kind === "boolean" ? "" : ` \\fI${choices?.map(text).join("|") ?? "VALUE"}\\fR`;
  const names = [...(alias ? [`-${alias}`] : []), `--${name}`].map((each) => `\\fB${text(each)}\\fR`);
  return `.TP\n${names.join(", ")}${value}\n${text(help)}`;
}

async function verbLines(verb: VerbEntry): Promise<string> {
  const usage = [`\\fB${verb.name}\\fR`, ...verb.args.map((arg) => `\\fI${text(arg)}\\fR`)].join(" ");
  const help = verb.delegated
    ? `${verb.help}; one that is no unikernel is handed to runc or crun`
    : verb.help;
  const more = await verb.more?.();
  return [
    `.SS ${usage}`,
    text(help),
    ...verb.flags().map(flagLines),
    ...(more === undefined ? [] : [`.PP\n.nf\n${text(more.trimEnd())}\n.fi`]),
  ].join("\n");
}

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
${GLOBALS.map(flagLines).join("\n")}
.SH COMMANDS
${(await Promise.all(VERBS.map(verbLines))).join("\n")}
.SH FILES
.TP
.I /etc/unikrun/config.json
Settings of the host.
.TP
.I /run/unikrun
What is known of containers, where the engine says nothing else.
.TP
.I /var/lib/unikrun
Disks of volumes and of read\\-only files, and templates of warm starts.
.SH SEE ALSO
.BR runc (8),
.BR qemu (1)`);
