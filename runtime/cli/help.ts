/** What takes yargs: the help texts, from the same table. */
import yargs, { type Argv } from "yargs";
import { UnikrunError } from "../error.ts";
import { print } from "./print.ts";
import { type Flag, GLOBALS, HELP, VERBS, type VerbEntry } from "./table.ts";

/** The help of everything, or of one verb. */
export async function helpText(verb?: string): Promise<string> {
  const entry = VERBS.find(({ name }) => name === verb);
  if (verb !== undefined && !entry)
    throw new UnikrunError(`There is no command ${JSON.stringify(verb)}: see unikrun --help.`);
  const command = yargs([]).scriptName("unikrun").locale("en").version(false).help(false).wrap(WIDTH);
  if (entry) return helpOfVerb(command, entry);
  command.options(optionsOf(GLOBALS));
  for (const each of VERBS) command.command(usageOf(each), each.help + (each.delegated ? " *" : ""));
  return command
    .usage("$0 [flags] command [flags] [arguments]\n\nAn OCI runtime that runs unikernels as containers.")
    .epilogue(`* ${DELEGATED}\nunikrun help COMMAND tells more of one.`)
    .getHelp();
}

async function helpOfVerb(command: Argv, entry: VerbEntry): Promise<string> {
  const flags = [...entry.flags(), HELP];
  const names = (isCriu: boolean): string[] =>
    flags.filter(({ criu = false }) => criu === isCriu).map(({ name }) => name);
  command.options(optionsOf(flags)).group(names(false), "Options:");
  if (names(true).length > 0) command.group(names(true), "For CRIU, of Linux containers:");
  // By themselves, since a verb may have one of the same name.
  const globals = await yargs([])
    .version(false)
    .help(false)
    .wrap(WIDTH)
    .options(optionsOf(GLOBALS))
    .getHelp();
  const more = (await entry.more?.()) ?? "";
  command.epilogue(`${more && `${more}\n`}${globals.replace(/^Options:/, "Flags before the command:")}`);
  const note = entry.delegated ? `\n\n${DELEGATED}` : "";
  return command.usage(`$0 ${usageOf(entry)}\n\n${entry.help}${note}`).getHelp();
}

const WIDTH = 100;
const DELEGATED = "A container that is no unikernel is handed to runc or crun, which may know more flags.";

const usageOf = ({ name, args }: VerbEntry): string => [name, ...args].join(" ");

function optionsOf(flags: readonly Flag[]) {
  return Object.fromEntries(
    flags.map(({ name, alias, kind, choices, help }) => [
      name,
      {
        describe: help,
        type: kind,
        ...(alias ? { alias } : {}),
        ...(choices ? { choices } : {}),
      },
    ]),
  );
}

export async function showHelp(verb?: string): Promise<void> {
  print(await helpText(verb));
}
