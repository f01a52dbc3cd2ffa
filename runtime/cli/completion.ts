/** Completion scripts, made from the table: they ask the program itself for nothing but the containers' ids. */
import { UnikrunError } from "../error.ts";
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

/** What a verb's first argument can be: "ids" of containers that exist, or these words. */
function firstArgument({ name, args }: VerbEntry): string {
  const [first = ""] = args;
  if (first === "[COMMAND]") return verbs();
  if (first.includes("|")) return first.slice(1, -1).replaceAll("|", " ");
  return first === "ID" && !["create", "run", "restore"].includes(name) ? "ids" : "";
}

/** A line for each verb of a bash `case`. */
const verbCases = (indent: string): string =>
  VERBS.map(
    (verb) =>
      `${indent}${verb.name}) flags="${long([...verb.flags(), HELP])}" valued="${valued(verb.flags())}" first="${firstArgument(verb)}" ;;`,
  ).join("\n");

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
  local flags="${long(GLOBALS)}" valued="${valued(GLOBALS)}" first="${verbs()}"
  local word verb="" words="" root="" at
  if [[ "$current" == "=" ]]; then
    current=""
  elif [[ "$previous" == "=" ]]; then
    previous="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    if [[ "$word" == -* ]]; then
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
      first=""
    fi
  done
  if [[ "$valued" == *" $previous "* ]]; then
    case "$verb $previous" in
${choiceCases("      ")}
    esac
  elif [[ "$current" == -* ]]; then
    words="$flags"
  elif [[ "$first" == ids ]]; then
    words="$("\${COMP_WORDS[0]}" \${root:+--root "$root"} list --quiet 2>/dev/null)"
  else
    words="$first"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _unikrun unikrun`;
}

function zsh(): string {
  return `#compdef unikrun
(( \${+functions[compdef]} )) || { autoload -U +X compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit
${bash()}`;
}

function fish(): string {
  const noVerb = `not __fish_seen_subcommand_from ${verbs()}`;
  return [
    "# fish completion of unikrun: unikrun completion fish | source",
    "complete -c unikrun -f",
    ...GLOBALS.map((flag) => fishFlag(noVerb, flag)),
    ...VERBS.map(({ name, help }) => `complete -c unikrun -f -n '${noVerb}' -a ${name} -d ${quoted(help)}`),
    ...VERBS.flatMap((verb) => {
      const seen = `__fish_seen_subcommand_from ${verb.name}`;
      const first = firstArgument(verb);
      const words = first === "ids" ? "(unikrun list --quiet 2>/dev/null)" : first;
      return [
        ...(words ? [`complete -c unikrun -f -n '${seen}' -a ${quoted(words)}`] : []),
        ...[...verb.flags(), HELP].map((flag) => fishFlag(seen, flag)),
      ];
    }),
  ].join("\n");
}

function fishFlag(condition: string, flag: Flag): string {
  const alias = flag.alias ? ` -s ${flag.alias}` : "";
  const choice = flag.choices ? ` -x -a ${quoted(flag.choices.join(" "))}` : " -r -F";
  const value = isValued(flag) ? choice : " -f";
  return `complete -c unikrun -n '${condition}' -l ${flag.name}${alias}${value} -d ${quoted(flag.help)}`;
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
