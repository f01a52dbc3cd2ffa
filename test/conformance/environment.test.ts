/** What the caller of the runtime brings along: its environment, and limits under which no program of this kind can run. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { vmmOf } from "../proc.ts";
import { denyWriteExecute } from "./deny-write-execute.ts";
import { makeBench, unikrun, until } from "./harness.ts";

const VARIABLES = [
  "BUN_BE_BUN=1",
  "BUN_OPTIONS=--help",
  "BUN_OPTIONS=--preload=/nowhere.js",
  "BUN_INSPECT=127.0.0.1:0?break=1",
  "BUN_INSPECT_PRELOAD=/nowhere.js",
  "BUN_CONFIG_VERBOSE_FETCH=1",
  "BUN_DEBUG=/nowhere/log",
  "BUN_JSC_useJIT=0",
  "BUN_JSC_nonsense=1",
  "BUN_JSC_dumpOptions=1",
  "JSC_useJIT=0",
  "NODE_OPTIONS=--nonsense",
  "NODE_CHANNEL_FD=2",
  "NODE_EXTRA_CA_CERTS=/nowhere.pem",
  "MIMALLOC_VERBOSE=1",
  "MIMALLOC_SHOW_STATS=1",
  "mimalloc_verbose=1",
  "WTF_numberOfProcessorCores=nonsense",
];

const said = (args: readonly string[], variables: readonly string[] = []): readonly string[] => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["env", ...variables, unikrun, ...args], {
    stdin: "ignore",
  });
  return [String(exitCode), stdout.toString(), stderr.toString()];
};

for (const args of [["--version"], ["features"], ["--root", "/nowhere", "state", "nobody"]]) {
  test(`Bun's variables in the caller's environment change nothing of what ${args.at(-1)} says`, (t) => {
    const usual = said(args);
    for (const variable of VARIABLES) t.deepEqual(said(args, [variable]), usual, variable);
    t.deepEqual(
      said(args, [...new Map(VARIABLES.map((each) => [each.split("=")[0], each])).values()]),
      usual,
    );
  });
}

test.serial("the runtime for what is no unikernel gets its caller's environment as it is", (t) => {
  using bench = makeBench([]);
  mkdirSync(`${bench.rootfs}/bin`);
  copyFileSync("/bin/busybox", `${bench.rootfs}/bin/busybox`);
  bench.configure(({ process }) => {
    process.args = ["/bin/busybox", "sleep", "1000"];
  });
  const variables = [
    "BUN_BE_BUN=1",
    "bun_options=x",
    "MIMALLOC_VERBOSE=1",
    "mimalloc_a=",
    "Node_A=b=c",
    "JSC_A=1",
    "jsc_b=2",
    "WTF_A=ü",
    "wtf_a=1",
    "PLAIN=word",
  ];
  const run = Bun.spawn({
    cmd: [
      "env",
      "-i",
      ...variables,
      unikrun,
      "--root",
      bench.root,
      "run",
      "--bundle",
      bench.bundle,
      bench.id,
    ],
    stdio: ["ignore", "ignore", Bun.file(`${bench.folder}/errors`)],
  });
  const isOther = () =>
    readlinkSync(`/proc/${run.pid}/exe`) !== unikrun && existsSync(`${bench.root}/${bench.id}`);
  until(isOther);
  const found = readFileSync(`/proc/${run.pid}/environ`, "utf8").split("\0").filter(Boolean);
  t.deepEqual(found.sort(), variables.sort(), readFileSync(`${bench.folder}/errors`, "utf8"));
});

test.serial("init and the VMM get nothing of the caller's environment", (t) => {
  using bench = makeBench(["cat"]);
  process.env.BUN_OPTIONS = "--help";
  t.teardown(() => delete process.env.BUN_OPTIONS);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  for (const pid of [bench.pid(), vmmOf(bench.pid())]) t.is(readFileSync(`/proc/${pid}/environ`, "utf8"), "");
});

const HARDENED = [
  {
    how: "a limit of 2 GB on its address space",
    limit: "--as=2000000000",
    words: /limit of 2000000000 bytes on its address space/,
  },
  {
    how: "a limit of 1 GB on its data",
    limit: "--data=1000000000",
    words: /limit of 1000000000 bytes on its data size/,
  },
  {
    how: "a tiny address space",
    limit: "--as=200000000",
    words: /small a limit on its address space \(LimitAS=\)/,
  },
  { how: "tiny data", limit: "--data=100000000", words: /small a limit on its data \(LimitDATA=\)/ },
  { how: "a tiny stack", limit: "--stack=100000:", words: /small a limit on its stack \(LimitSTACK=\)/ },
];

for (const { how, limit, words } of HARDENED) {
  test.serial(`with ${how} one sentence says so, in the log too`, (t) => {
    isRefused(t, ["prlimit", limit], words);
  });
}

test.serial("where no memory may be written and executed, one sentence says so, in the log too", (t) => {
  isRefused(t, denyWriteExecute, /set MemoryDenyWriteExecute=no in the systemd unit/);
});

function isRefused(t: ExecutionContext, runner: readonly string[], words: RegExp): void {
  using bench = makeBench(["return", "1"]);
  const log = `${bench.folder}/log.json`;
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [
      ...runner,
      unikrun,
      "--root",
      bench.root,
      "--log",
      log,
      "--log-format",
      "json",
      "create",
      "--bundle",
      bench.bundle,
      bench.id,
    ],
    { stdin: "ignore" },
  );
  t.is(exitCode, 1);
  t.is(stdout.toString(), "");
  t.regex(stderr.toString(), words);
  t.regex(stderr.toString(), /^unikrun: error: .*\n$/);
  const { level, msg } = JSON.parse(readFileSync(log, "utf8"));
  t.is(level, "error");
  t.regex(msg, words);
  t.false(existsSync(`${bench.root}/${bench.id}`));
}
