import test from "ava";
import { globalsOf, parse } from "../../runtime/cli/parse.ts";
import { UnikrunError } from "../../runtime/error.ts";

/** A command line as one text; words hold no spaces here. */
const words = (line: string): string[] => line.split(" ").filter(Boolean);

function verb(line: string) {
  const invocation = parse(words(line));
  if (invocation.kind !== "verb") throw new Error(`${line} is ${invocation.kind}`);
  return invocation;
}

test("containerd's create is read: global flags, the command's flags, the id", (t) => {
  const {
    verb: name,
    globals,
    flags,
    args,
  } = verb(
    "--root /r --debug --log /l --log-format json --systemd-cgroup --rootless=true create --bundle /b --pid-file /p --console-socket /c --no-pivot --preserve-fds 3 box",
  );
  t.is(name, "create");
  t.deepEqual(args, ["box"]);
  t.is(globals.string("root"), "/r");
  t.is(globals.string("log"), "/l");
  t.is(globals.string("log-format"), "json");
  t.true(globals.boolean("debug"));
  t.true(globals.boolean("systemd-cgroup"));
  t.is(flags.string("bundle"), "/b");
  t.is(flags.string("pid-file"), "/p");
  t.is(flags.string("console-socket"), "/c");
  t.is(flags.string("preserve-fds"), "3");
  t.true(flags.boolean("no-pivot"));
  t.false(flags.boolean("no-new-keyring"));
  t.is(flags.string("pidfd-socket"), undefined);
});

for (const line of [
  "create --bundle /b box",
  "create --bundle=/b box",
  "create -bundle /b box",
  "create -bundle=/b box",
  "create -b /b box",
  "create --b=/b box",
  "create box --bundle /b",
  "create --bundle /a box --bundle /b",
  "create --bundle /b -- box",
])
  test(`${line}: the bundle is /b, the id is box`, (t) => {
    const { flags, args } = verb(line);
    t.is(flags.string("bundle"), "/b");
    t.deepEqual(args, ["box"]);
  });

test("flags stand before, between and after the arguments", (t) => {
  for (const line of ["kill --all box 9", "kill box --all 9", "kill box 9 --all", "kill -a box 9"]) {
    const { flags, args } = verb(line);
    t.true(flags.boolean("all"), line);
    t.deepEqual(args, ["box", "9"], line);
  }
});

test("a flag's value is the next word, whatever it looks like", (t) => {
  t.is(verb("create --bundle --pid-file box").flags.string("bundle"), "--pid-file");
  t.is(parse(["create", "--bundle", "", "box"]).kind, "verb");
  t.is(verb("create --bundle=a=b box").flags.string("bundle"), "a=b");
});

test("letters behind one dash are flags, of which the last may have a value", (t) => {
  for (const line of ["list -qf json", "list -qf=json"]) {
    const { flags, args } = verb(line);
    t.true(flags.boolean("quiet"), line);
    t.is(flags.string("format"), "json", line);
    t.deepEqual(args, [], line);
  }
  const { flags, args } = verb("exec -it box unikrun console -x");
  t.true(flags.boolean("tty") && flags.boolean("interactive"));
  t.deepEqual(args, ["box", "unikrun", "console", "-x"]);
  // A word is a flag's name first, as to runc.
  t.is(verb("create -bundle /b box").flags.string("bundle"), "/b");
});

test("after -- nothing is a flag, and - alone never is one", (t) => {
  t.deepEqual(verb("state -- --box").args, ["--box"]);
  t.deepEqual(verb("state -").args, ["-"]);
});

test("a boolean takes no next word, and Go's words for true and false after =", (t) => {
  t.deepEqual(verb("delete --force box").args, ["box"]);
  for (const word of ["true", "1", "t", "T", "TRUE", "True"])
    t.true(verb(`delete --force=${word} box`).flags.boolean("force"), word);
  for (const word of ["false", "0", "f", "F", "FALSE", "False"])
    t.false(verb(`delete --force=${word} box`).flags.boolean("force"), word);
});

test("the global flags end at the command", (t) => {
  const { globals, flags } = verb("--debug list -q --format json");
  t.true(globals.boolean("debug"));
  t.true(flags.boolean("quiet"));
  t.is(flags.string("format"), "json");
});

test("help and version are asked for in all the usual ways", (t) => {
  for (const line of ["", "--help", "-h", "help", "--debug --help state", "help --"])
    t.deepEqual(parse(words(line)), { kind: "help" }, line);
  for (const line of ["help kill", "kill --help", "kill -h", "kill box --help"])
    t.deepEqual(parse(words(line)), { kind: "help", verb: "kill" }, line);
  for (const line of ["exec --help", "exec -h box"])
    t.deepEqual(parse(words(line)), { kind: "help", verb: "exec" }, line);
  for (const line of ["--version", "-v", "-version", "--debug -v"])
    t.deepEqual(parse(words(line)), { kind: "version" }, line);
});

for (const [line, message] of [
  ["craete box", 'unikrun has no command "craete": did you mean create? See unikrun --help.'],
  ["frobnicate", 'unikrun has no command "frobnicate". See unikrun --help.'],
  [
    "--log-fromat json state box",
    'unikrun has no flag "--log-fromat": did you mean --log-format? See unikrun --help.',
  ],
  [
    "create --bundel=/secret box",
    'unikrun create has no flag "--bundel": did you mean --bundle? See unikrun create --help.',
  ],
  [
    "create --root /r box",
    'unikrun create has no flag "--root": it goes before the command. See unikrun create --help.',
  ],
  ["kill box -9", 'unikrun kill has no flag "-9". See unikrun kill --help.'],
  ["list -qx", 'unikrun list has no flag "-qx". See unikrun list --help.'],
  ["list -fq json", 'unikrun list has no flag "-fq". See unikrun list --help.'],
  ["list --qf json", 'unikrun list has no flag "--qf". See unikrun list --help.'],
  ["list -qf", "unikrun list --format needs a value."],
  ["create box --bundle", "unikrun create --bundle needs a value."],
  ["--root", "unikrun --root needs a value."],
  ["create --preserve-fds many box", 'unikrun create --preserve-fds must be a whole number, not "many".'],
  ["kill --all=perhaps box", 'unikrun kill --all can be true or false, not "perhaps".'],
  ["--log-format xml state box", 'unikrun --log-format can be text or json, not "xml".'],
  ["list --format=yaml", 'unikrun list --format can be table or json, not "yaml".'],
  ["create", "unikrun create needs ID: the usage is unikrun create ID."],
  ["kill", "unikrun kill needs ID: the usage is unikrun kill ID [SIGNAL]."],
  ["kill box 9 8", 'unikrun kill does not take "8": the usage is unikrun kill ID [SIGNAL].'],
  ["start one two", 'unikrun start does not take "two": the usage is unikrun start ID.'],
  ["list box", 'unikrun list does not take "box": the usage is unikrun list.'],
  ["pause", "unikrun pause needs ID: the usage is unikrun pause ID."],
  ["exec --tty", "unikrun exec needs ID: the usage is unikrun exec ID [COMMAND…]."],
] as const)
  test(`unikrun ${line}: ${message}`, (t) => {
    t.is(t.throws(() => parse(words(line)), { instanceOf: UnikrunError })?.message, message);
  });

for (const [line, id] of [
  ["pause box", "box"],
  ["ps --format json box", "box"],
  ["ps box -ef", "box"],
  ["ps -f table box aux", "box"],
  ["update --resources=- box", "box"],
  ["update --resources - box", "box"],
  ["update box --memory 64 --cpu-quota 5", "box"],
  ["events --interval=5s box", "box"],
  ["events --stats box", "box"],
  ["exec --process /p --detach --pid-file /f box", "box"],
  ["exec -e A=b -u 0:0 -t box sh -c id --help", "box"],
  ["exec --brand-new box ls", "box"],
  ["checkpoint --image-path /i --leave-running box", "box"],
  ["checkpoint --brand-new value box", "box"],
  ["restore --bundle /b --detach box", "box"],
] as const)
  test(`${line}: what is handed on names the container ${id}, whatever its flags`, (t) => {
    t.is(verb(line).args[0], id);
  });

test("the global flags of a wrong command line are known, for the log", (t) => {
  const globals = globalsOf(words("--unknown --log /l --log-format json create --bundel /b"));
  t.is(globals.string("log"), "/l");
  t.is(globals.string("log-format"), "json");
  t.is(globalsOf(["--root"]).string("root"), undefined);
});

test("any number of arguments goes where the usage says so", (t) => {
  const argumentsOf = (...words: string[]): readonly string[] => {
    const invocation = parse(words);
    return invocation.kind === "verb" ? invocation.args : [];
  };
  t.deepEqual(argumentsOf("volumes", "--store", "/s", "/a", "/b", "/c"), ["/a", "/b", "/c"]);
  t.deepEqual(argumentsOf("ps", "c1", "-o", "pid,args", "-e"), ["c1", "-o", "pid,args", "-e"]);
  t.throws(() => parse(["state", "c1", "c2"]), { message: /does not take "c2"/ });
});
