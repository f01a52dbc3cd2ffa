import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import test from "ava";
import { completionScript } from "../../runtime/cli/completion.ts";
import { GLOBALS, VERBS } from "../../runtime/cli/table.ts";
import { UnikrunError } from "../../runtime/error.ts";

const long = (flags: readonly { name: string }[]): string[] => flags.map(({ name }) => `--${name}`);

/** What bash would offer after `line`, whose last word is being typed; `=` stands alone, as bash splits words. */
function complete(line: string, script = completionScript("bash"), program = FAKE): string[] {
  const words = line.split(" ");
  const quote = (text: string): string => `'${text}'`;
  const folder = mkdtempSync(`${tmpdir()}/unikrun-completion-`);
  try {
    writeFileSync(`${folder}/unikrun`, program);
    chmodSync(`${folder}/unikrun`, 0o755);
    const source = `${script}
      COMP_WORDS=(${words.map(quote).join(" ")}); COMP_CWORD=${words.length - 1}
      _unikrun; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr, exitCode } = Bun.spawnSync({
      cmd: ["bash", "--norc", "-c", source],
      env: { PATH: `${folder}:/usr/bin:/bin` },
    });
    if (exitCode !== 0 || stderr.length > 0) throw new Error(stderr.toString());
    return stdout.toString().split("\n").filter(Boolean);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Knows containers web and db, and others below the root /other. */
const FAKE = `#!/bin/sh
case "$*" in
  "--root /run/unikrun list --quiet") echo web; echo db ;;
  "list --names") echo shop; echo web-1/front ;;
  "--root /other list --quiet" | "--root /other list --names") echo away ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

test("bash offers every command, and those that begin with what was typed", (t) => {
  t.deepEqual(
    complete("unikrun "),
    VERBS.map(({ name }) => name),
  );
  t.deepEqual(complete("unikrun sta"), ["start", "state", "status"]);
  t.deepEqual(complete("unikrun --debug --root run st"), ["start", "state", "status"]);
  t.deepEqual(complete("unikrun --root = run st"), ["start", "state", "status"]);
});

test("bash offers the flags of the place", (t) => {
  t.deepEqual(complete("unikrun -"), long(GLOBALS));
  for (const { name, flags } of VERBS)
    t.deepEqual(complete(`unikrun ${name} --`), [...long(flags()), "--help"], name);
  t.deepEqual(complete("unikrun create --pid"), ["--pidfd-socket", "--pid-file"]);
});

test("bash offers the containers' ids where one is wanted, of the root that was given", (t) => {
  for (const name of ["start", "state", "kill", "delete", "exec", "ps", "pause", "update"])
    t.deepEqual(complete(`unikrun ${name} `), ["web", "db"], name);
  t.deepEqual(complete("unikrun kill --all w"), ["web"]);
  t.deepEqual(complete("unikrun --root /other state "), ["away"]);
  t.deepEqual(complete("unikrun --root = /other state "), ["away"]);
  for (const line of ["create ", "run ", "list ", "state web "])
    t.deepEqual(complete(`unikrun ${line}`), [], line);
});

test("bash offers the names of all engines' containers to the verbs that take them", (t) => {
  for (const name of ["status", "logs", "inspect"])
    t.deepEqual(complete(`unikrun ${name} `), ["shop", "web-1/front"], name);
  t.deepEqual(complete("unikrun --root /other status "), ["away"]);
});

test("bash offers signals, engines and the commands about a guest", (t) => {
  t.true(["TERM", "KILL", "HUP"].every((name) => complete("unikrun kill web ").includes(name)));
  t.deepEqual(complete("unikrun kill web KI"), ["KILL"]);
  for (const name of ["install", "uninstall"]) {
    t.deepEqual(complete(`unikrun ${name} `), ["docker", "containerd", "podman", "k3s", "crio"]);
    t.deepEqual(complete(`unikrun ${name} --dry-run docker p`), ["podman"]);
  }
  t.deepEqual(complete("unikrun exec web "), ["unikrun"]);
  t.deepEqual(complete("unikrun exec -it web unikrun d"), ["dns", "df"]);
  // What follows is that command's.
  t.deepEqual(complete("unikrun exec web unikrun http -"), []);
});

test("bash offers a flag's choices, and leaves other values to its own completion of files", (t) => {
  t.deepEqual(complete("unikrun list --format "), ["table", "json"]);
  t.deepEqual(complete("unikrun list -f j"), ["json"]);
  t.deepEqual(complete("unikrun list --format ="), ["table", "json"]);
  t.deepEqual(complete("unikrun list --format = t"), ["table"]);
  t.deepEqual(complete("unikrun --log-format "), ["text", "json"]);
  t.deepEqual(complete("unikrun create --bundle "), []);
  t.regex(completionScript("bash"), /^complete -o default /m);
});

test("bash offers the shells and the commands to those that take them", (t) => {
  t.deepEqual(complete("unikrun completion "), ["bash", "zsh", "fish"]);
  t.deepEqual(complete("unikrun help ki"), ["kill"]);
  t.deepEqual(complete("unikrun frobnicate "), []);
});

for (const shell of ["bash", "zsh", "fish"])
  test(`the script for ${shell} names every command and flag`, (t) => {
    const script = completionScript(shell);
    const dashed = (name: string): string => (shell === "fish" ? `-l ${name} ` : `--${name}`);
    for (const { name, flags } of VERBS) {
      t.true(script.includes(name), name);
      for (const flag of flags()) t.true(script.includes(dashed(flag.name)), flag.name);
    }
  });

test("another shell is refused", (t) => {
  for (const shell of ["tcsh", "toString"])
    t.is(
      t.throws(() => completionScript(shell), { instanceOf: UnikrunError })?.message,
      `There is no completion for the shell "${shell}": it can be bash, zsh, fish.`,
    );
});

const binary = resolve(import.meta.dirname, "../../dist/unikrun");
const binaryTest = existsSync(binary) ? test : test.skip;

/** What a shell offers, asked as its user would ask it; skipped where there is no such shell. */
function shellTest(shell: string, title: string, offers: (folder: string, line: string) => string): void {
  const isThere = Bun.which(shell) !== null;
  (isThere ? test : test.skip)(
    `${shell} ${title}${isThere ? "" : ` (skipped: there is no ${shell})`}`,
    (t) => {
      const folder = mkdtempSync(`${tmpdir()}/unikrun-completion-`);
      t.teardown(() => rmSync(folder, { recursive: true }));
      writeFileSync(`${folder}/unikrun`, FAKE);
      chmodSync(`${folder}/unikrun`, 0o755);
      writeFileSync(`${folder}/_unikrun`, completionScript(shell));
      for (const [line, word] of [
        ["install dock", "docker"],
        ["kill web TER", "TERM"],
        ["status sho", "shop"],
        ["exec web unikrun stat", "status"],
        ["state w", "web"],
      ] as const)
        t.regex(offers(folder, `unikrun ${line}`), new RegExp(`\\b${word}\\b`), line);
    },
  );
}

const ask = (folder: string, cmd: string[]): string =>
  Bun.spawnSync({
    cmd,
    env: { PATH: `${folder}:/usr/bin:/bin`, HOME: folder, TERM: "dumb" },
  }).stdout.toString();

shellTest("fish", "offers engines, signals, names and commands about a guest", (folder, line) =>
  ask(folder, ["fish", "-c", `source ${folder}/_unikrun; complete -C'${line}'`]),
);

/** In a terminal, since it completes nowhere else: the first call is the one that loads the script. */
shellTest("zsh", "offers them by the file that its compinit finds", (folder, line) => {
  const typed = `
    zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z 'PS1=">"; fpath=(${folder} $fpath); autoload -U compinit; compinit -u -D; echo rea""dy'
    zpty -r z out '*ready*'
    zpty -w -n z '${line}'$'\t'
    zpty -w -n z $'cA: \n echo en""d \n'
    zpty -r z out '*end*'
    print -r -- $out`;
  return ask(folder, ["timeout", "20", "zsh", "-f", "-c", typed]);
});

binaryTest("the built binary prints the script that bash completes it by", (t) => {
  const { stdout } = Bun.spawnSync({ cmd: [binary, "completion", "bash"] });
  t.deepEqual(complete("unikrun sta", stdout.toString()), ["start", "state", "status"]);
});
