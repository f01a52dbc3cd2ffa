import { UnikrunError } from "../error.ts";
import { print } from "./print.ts";
import { GLOBALS, VERBS } from "./table.ts";
import type { Verb } from "./verb.ts";

const SCRIPTS: Readonly<Record<string, () => string>> = { bash, zsh, fish };

export const run: Verb = ({ args: [shell = "bash"] }) => {
  const script = SCRIPTS[shell];
  if (!script)
    throw new UnikrunError(
      `There is no completion for the shell ${JSON.stringify(shell)}: take bash, zsh or fish.`,
    );
  print(script());
};

const verbs = (): string => VERBS.map(({ name }) => name).join(" ");
const flagsOf = (flags: readonly { readonly name: string }[]): string =>
  flags.map(({ name }) => `--${name}`).join(" ");

/** Verbs, then their flags and the containers' ids. */
function bash(): string {
  const cases = VERBS.map(({ name, flags }) => `    ${name}) words="${flagsOf(flags)}" ;;`).join("\n");
  return `# bash completion of unikrun: source <(unikrun completion bash)
_unikrun() {
  local current="\${COMP_WORDS[COMP_CWORD]}" verb="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${verbs()} " in *" $word "*) verb="$word"; break ;; esac
  done
  case "$verb" in
    "") words="${verbs()} ${flagsOf(GLOBALS)} --help --version" ;;
${cases}
  esac
  if [[ -n "$verb" && "$current" != -* && "$verb" != completion ]]; then
    words="$("\${COMP_WORDS[0]}" list --quiet 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _unikrun unikrun`;
}

function zsh(): string {
  return `#compdef unikrun
autoload -U +X bashcompinit && bashcompinit
${bash()}`;
}

function fish(): string {
  const seen = `__fish_seen_subcommand_from ${verbs()}`;
  return [
    "# fish completion of unikrun: unikrun completion fish | source",
    ...VERBS.map(
      ({ name, help }) =>
        `complete -c unikrun -f -n 'not ${seen}' -a ${name} -d '${help.replaceAll("'", "\\'")}'`,
    ),
    ...VERBS.flatMap(({ name, flags }) =>
      flags.map(
        (flag) =>
          `complete -c unikrun -f -n '__fish_seen_subcommand_from ${name}' -l ${flag.name} -d '${flag.help.replaceAll("'", "\\'")}'`,
      ),
    ),
  ].join("\n");
}
