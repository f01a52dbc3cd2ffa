/** What takes yargs: help texts and completion, from the same table. */
import yargs from "yargs";
import { UnikrunError } from "../error.ts";
import { print } from "./print.ts";
import { type Flag, GLOBALS, VERBS, type VerbEntry } from "./table.ts";

/** The help of everything, or of one verb. */
export async function helpText(verb?: string): Promise<string> {
  const entry = VERBS.find(({ name }) => name === verb);
  if (verb !== undefined && !entry)
    throw new UnikrunError(`There is no command ${JSON.stringify(verb)}: see unikrun --help.`);
  const command = yargs([])
    .scriptName("unikrun")
    .version(false)
    .help(false)
    .wrap(100)
    .options(optionsOf(entry ? entry.flags : GLOBALS));
  if (entry) return command.usage(`$0 ${usageOf(entry)}\n\n${entry.help}`).getHelp();
  for (const each of VERBS) command.command(usageOf(each), each.help);
  return command
    .usage("$0 [flags] command [flags] [arguments]\n\nAn OCI runtime that runs unikernels as containers.")
    .epilogue("unikrun help COMMAND tells more of one.")
    .getHelp();
}

const usageOf = ({ name, args }: VerbEntry): string => [name, ...args].join(" ");

function optionsOf(flags: readonly Flag[]) {
  return Object.fromEntries(
    flags.map(({ name, alias, kind, help }) => [
      name,
      {
        describe: help,
        type: kind === "boolean" ? ("boolean" as const) : ("string" as const),
        ...(alias ? { alias } : {}),
      },
    ]),
  );
}

export async function showHelp(verb?: string): Promise<void> {
  print(await helpText(verb));
}
