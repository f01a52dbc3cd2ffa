import { existsSync } from "node:fs";
import test from "ava";
import { GLOBALS, HELP, VERBS } from "../../runtime/cli/table.ts";

/** The names of the flags that a help text lists. */
const flagsIn = (help: string): string[] =>
  [...help.matchAll(/^ {3}--([a-z0-9-]+)/gm)].flatMap(([, name]) => name ?? []);

const runc = ["/usr/sbin/runc", "/usr/bin/runc"].find((path) => existsSync(path));
const runcTest = runc ? test : test.skip;

runcTest(
  `every flag of the installed runc is in the table${runc ? "" : " (skipped: there is no runc)"}`,
  (t) => {
    const helpOf = (...args: string[]): string =>
      Bun.spawnSync({ cmd: [runc ?? "", ...args] }).stdout.toString();
    const missing = (of: string, help: string, known: readonly { name: string }[]): string[] =>
      flagsIn(help)
        .filter((name) => !known.some((flag) => flag.name === name))
        .map((name) => `${of} --${name}`);
    t.true(flagsIn(helpOf("--help")).length > 5);
    t.deepEqual(missing("runc", helpOf("--help"), GLOBALS), []);
    for (const { name, flags } of VERBS.filter((verb) => verb.name !== "completion" && verb.name !== "help"))
      t.deepEqual(missing(name, helpOf(name, "--help"), [...flags(), HELP]), []);
  },
);

test("no verb has two flags of one name, or two commands the same name", (t) => {
  const repeats = (names: readonly string[]): string[] =>
    names.filter((name, at) => names.indexOf(name) !== at);
  t.deepEqual(repeats(VERBS.map(({ name }) => name)), []);
  for (const { flags } of [{ flags: GLOBALS }, ...VERBS.map((verb) => ({ flags: [...verb.flags(), HELP] }))])
    t.deepEqual(repeats(flags.flatMap(({ name, alias }) => [name, ...(alias ? [alias] : [])])), []);
});

test("what a verb prints is said in the table, and facts can be had as JSON", (t) => {
  for (const { name, prints, flags } of VERBS)
    t.is(
      prints === "facts",
      flags().some((flag) => flag.name === "json"),
      name,
    );
});
