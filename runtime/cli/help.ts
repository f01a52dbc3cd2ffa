/** What takes yargs: the help texts, from the same table. */
import yargs from "yargs";
import { UnikrunError } from "../error.ts";
import { print } from "./print.ts";
import { type Flag, GLOBALS, HELP, VERBS, type VerbEntry } from "./table.ts";

/** The help of everything, or of one verb. */
export async function helpText(verb?: string): Promise<string> {
  const entry = VERBS.find(({ name }) => name === verb);
  if (verb !== undefined && !entry)
    throw new UnikrunError(`There is no command ${JSON.stringify(verb)}: see unikrun --help.`);
  const command = yargs([])
    .scriptName("unikrun")
    .locale("en")
    .version(false)
    .help(false)
    .wrap(WIDTH)
    .options(optionsOf(entry ? [...entry.flags(), HELP] : GLOBALS));
  if (entry) {
    const note = entry.delegated ? `\n\n${DELEGATED}` : "";
    const more = await entry.more?.();
    if (more !== undefined) command.epilogue(more);
    return command.usage(`$0 ${usageOf(entry)}\n\n${entry.help}${note}`).getHelp();
  }
  for (const each of VERBS) command.command(usageOf(each), each.help + (each.delegated ? " *" : ""));
  return command
    .usage("$0 [flags] command [flags] [arguments]\n\nAn OCI runtime that runs unikernels as containers.")
    .epilogue(`* ${DELEGATED}\nunikrun help COMMAND tells more of one.`)
    .getHelp();
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
