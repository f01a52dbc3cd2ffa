/** Completion scripts, made from the table: they ask the program itself for nothing but the containers there are. */
import { SIGNALS } from "../../native/signals.ts";
import { execCommands } from "../container/exec/usage.ts";
import { UnikrunError } from "../error.ts";
import { ENGINES } from "../host/engines.ts";
import { print } from "./print.ts";
import { type Flag, GLOBALS, HELP, VERBS, type VerbEntry } from "./table.ts";
import type { Verb } from "./verb.ts";

const SCRIPTS: Readonly<Record<string, () => string>> = { bash, zsh, fish };

export const run: Verb = ({ args: [shell = "bash"] }) => print(completionScript(shell));

/** Throws UnikrunError for a shell that there is no script for. */
export function completionScript(shell: string): string {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script) return script();
  throw new UnikrunError(
    `There is no completion for the shell ${JSON.stringify(shell)}: it can be ${Object.keys(SCRIPTS).join(", ")}.`,
  );
}

const verbs = (): string => VERBS.map(({ name }) => name).join(" ");
const isValued = (flag: Flag): boolean => flag.kind !== "boolean";
const wordsOf = ({ name, alias }: Flag): string[] => [`--${name}`, ...(alias ? [`-${alias}`] : [])];
const long = (flags: readonly Flag[]): string => flags.map(({ name }) => `--${name}`).join(" ");
/** With a space around each, to be looked up in. */
const valued = (flags: readonly Flag[]): string =>
  `${flags
    .filter(isValued)
    .flatMap(wordsOf)
    .map((word) => ` ${word}`)
    .join("")} `;

/** What an argument can be. "ids" are those of one root, as engines' verbs take them, "names" those of all engines' containers. */
const ARGUMENTS: Readonly<Record<string, () => string>> = {
  ID: () => "ids",
  CONTAINER: () => "names",
  "[FILE|CONTAINER]": () => "names",
  "[SIGNAL]": () =>
    Object.keys(SIGNALS)
      .map((name) => name.slice(3))
      .join(" "),
  "[ENGINE…]": () => ENGINES.join(" "),
  "[COMMAND]": verbs,
  "[bash|zsh|fish]": () => Object.keys(SCRIPTS).join(" "),
};

/** A list of words for each of a verb's arguments; "" where it is anything. The last stands for all that follow where the usage says so. */
function argumentsOf({ name, args, endsAtId }: VerbEntry): string[] {
  const isNew = ["create", "run", "restore"].includes(name);
  const own = args.map((arg) => (isNew ? "" : (ARGUMENTS[arg]?.() ?? "")));
  return name === "exec" ? ["ids", "unikrun", execCommands().join(" ")] : endsAtId ? own.slice(0, 1) : own;
}

const goesOn = ({ name, args, endsAtId }: VerbEntry): boolean =>
  name !== "exec" && !endsAtId && (args.at(-1)?.endsWith("…]") ?? false);

/** A line for each verb of a bash `case`. */
const verbCases = (indent: string): string =>
  VERBS.map((verb) => {
    const lists = argumentsOf(verb)
      .map((list) => `"${list}"`)
      .join(" ");
    const flags = `flags="${long([...verb.flags(), HELP])}" valued="${valued(verb.flags())}"`;
    const more = `${goesOn(verb) ? " more=1" : ""}${verb.endsAtId ? " ends=1" : ""}`;
    return `${indent}${verb.name}) ${flags} lists=(${lists})${more} ;;`;
  }).join("\n");

/** A line for each flag that has a choice of values. */
function choiceCases(indent: string): string {
  const withChoices = [{ name: "", flags: () => GLOBALS }, ...VERBS].flatMap(({ name, flags }) =>
    flags().flatMap((flag) => (flag.choices ? [{ name, flag, choices: flag.choices }] : [])),
  );
  return withChoices
    .map(({ name, flag, choices }) => {
      const patterns = wordsOf(flag).map((word) => `"${name} ${word}"`);
      return `${indent}${patterns.join("|")}) words="${choices.join(" ")}" ;;`;
    })
    .join("\n");
}

/** bash splits words at "=", so `--root=/r` comes as three. Without an answer of ours it completes file names. */
function bash(): string {
  return `# bash completion of unikrun: source <(unikrun completion bash)
_unikrun() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local flags="${long(GLOBALS)}" valued="${valued(GLOBALS)}"
  local word verb="" words="" root="" at place=0 more="" ends="" lists=("${verbs()}")
  if [[ "$current" == "=" ]]; then
    current=""
  elif [[ "$previous" == "=" ]]; then
    previous="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    if [[ "$word" == -* && ! ( -n "$ends" && $place -gt 0 ) ]]; then
      [[ "$valued" == *" $word "* ]] || continue
      ((at++))
      [[ "\${COMP_WORDS[at]}" == "=" ]] && ((at++))
      [[ "$word" == --root ]] && root="\${COMP_WORDS[at]}"
    elif [[ -z "$verb" ]]; then
      verb="$word"
      case "$verb" in
${verbCases("        ")}
        *) return ;;
      esac
    else
      ((place++))
    fi
  done
  [[ -n "$more" && $place -ge \${#lists[@]} ]] && place=$((\${#lists[@]} - 1))
  if [[ -n "$ends" && $place -gt 0 ]]; then
    words="\${lists[place]}"
  elif [[ "$valued" == *" $previous "* ]]; then
    case "$verb $previous" in
${choiceCases("      ")}
    esac
  elif [[ "$current" == -* ]]; then
    words="$flags"
  elif [[ "\${lists[place]}" == ids ]]; then
    words="$("\${COMP_WORDS[0]}" --root "\${root:-/run/unikrun}" list --quiet 2>/dev/null)"
  elif [[ "\${lists[place]}" == names ]]; then
    words="$("\${COMP_WORDS[0]}" \${root:+--root "$root"} list --names 2>/dev/null)"
  else
    words="\${lists[place]}"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _unikrun unikrun`;
}

function zsh(): string {
  return `#compdef unikrun
(( \${+functions[compdef]} )) || { autoload -U +X compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit
${bash()}
# Where compinit has found this file, it is called for the first time here.
[[ "\${funcstack[1]}" == _unikrun ]] && _bash_complete -o default -F _unikrun`;
}

function fish(): string {
  const noVerb = `not __fish_seen_subcommand_from ${verbs()}`;
  return [
    "# fish completion of unikrun: unikrun completion fish | source",
    FISH_FUNCTIONS,
    "complete -c unikrun -f",
    ...GLOBALS.map((flag) => fishFlag(noVerb, flag)),
    ...VERBS.map(({ name, help }) => `complete -c unikrun -f -n '${noVerb}' -a ${name} -d ${quoted(help)}`),
    ...VERBS.flatMap((verb) => [
      ...fishArguments(verb),
      ...[...verb.flags(), HELP].map((flag) => fishFlag(`__fish_seen_subcommand_from ${verb.name}`, flag)),
    ]),
  ].join("\n");
}

/** Whether so many arguments stand behind a verb, and the ids of the root that was given. */
const FISH_FUNCTIONS = `function __unikrun_at
    set -l words (commandline -opc)
    set -l verb (contains -i -- $argv[1] $words); or return 1
    set -l given (string match -v -- '-*' $words[(math $verb + 1)..-1])
    test (count $given) $argv[2] $argv[3]
end
function __unikrun_ids
    set -l words (commandline -opc)
    set -l root /run/unikrun
    set -l at (contains -i -- --root $words); and set root $words[(math $at + 1)]
    unikrun --root $root list --quiet 2>/dev/null
end`;

function fishArguments(verb: VerbEntry): string[] {
  const lists = argumentsOf(verb);
  return lists.flatMap((list, place) => {
    const isLast = place === lists.length - 1;
    const condition = `__unikrun_at ${verb.name} ${isLast && goesOn(verb) ? "-ge" : "-eq"} ${place}`;
    const words =
      { ids: "(__unikrun_ids)", names: "(unikrun list --names 2>/dev/null)" }[list] ?? (list || null);
    if (words !== null) return [`complete -c unikrun -f -n '${condition}' -a ${quoted(words)}`];
    return [`complete -c unikrun -F -n '${condition}'`];
  });
}

function fishFlag(condition: string, flag: Flag): string {
  const alias = flag.alias ? ` -s ${flag.alias}` : "";
  const choice = flag.choices ? ` -x -a ${quoted(flag.choices.join(" "))}` : " -r -F";
  const value = isValued(flag) ? choice : " -f";
  return `complete -c unikrun -n '${condition}' -l ${flag.name}${alias}${value} -d ${quoted(flag.help)}`;
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
