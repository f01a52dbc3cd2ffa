import test from "ava";
import { helpText } from "../../runtime/cli/help.ts";
import { GLOBALS, VERBS } from "../../runtime/cli/table.ts";
import { UnikrunError } from "../../runtime/error.ts";

test("the help shows every command and every global flag", async (t) => {
  const help = await helpText();
  for (const { name, args } of VERBS) t.true(help.includes(`unikrun ${[name, ...args].join(" ")} `), name);
  for (const { name } of GLOBALS) t.true(help.includes(`--${name} `), name);
});

for (const { name, args, flags, help: description, delegated } of VERBS)
  test(`the help of ${name} shows its usage and every flag of it`, async (t) => {
    const help = await helpText(name);
    t.is(help.split("\n")[0], ["unikrun", name, ...args].join(" "));
    t.true(help.includes(description));
    t.is(help.includes("handed to runc or crun"), delegated ?? false);
    for (const flag of flags()) {
      const line = help.split("\n").find((each) => each.includes(`--${flag.name} `)) ?? "";
      t.true(line.includes(flag.help), flag.name);
      if (flag.alias) t.true(line.includes(`-${flag.alias}, --${flag.name}`), flag.name);
    }
    const [, globals = ""] = help.split("\nFlags before the command:\n");
    for (const { name: global } of GLOBALS) t.true(globals.includes(`--${global} `), global);
  });

test("the help of exec shows the commands about a guest", async (t) => {
  const help = await helpText("exec");
  for (const command of ["http", "tcp", "ping", "dns", "console", "stats", "status"])
    t.true(help.includes(`  unikrun ${command} `), command);
});

test("CRIU's flags are the last of a command's own", async (t) => {
  const help = await helpText("restore");
  const places = ["--bundle ", "For CRIU", "--tcp-established ", "Flags before"].map((word) =>
    help.indexOf(word),
  );
  t.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
});

test("the help of no command says so", async (t) => {
  const error = await t.throwsAsync(helpText("frobnicate"), { instanceOf: UnikrunError });
  t.is(error?.message, 'There is no command "frobnicate": see unikrun --help.');
});
