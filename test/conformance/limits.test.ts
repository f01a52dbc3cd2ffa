/** Limits of setrlimit(2), which are a program's; and a VMM that ends by itself. */
import { readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { vmmOf } from "../proc.ts";
import { type Bench, makeBench, unikrun, until } from "./harness.ts";

const limit = (type: string, value: number) => ({ type: `RLIMIT_${type}`, soft: value, hard: value });

const SMALL = [
  limit("FSIZE", 1),
  limit("CPU", 1),
  limit("DATA", 1 << 20),
  limit("STACK", 1 << 16),
  limit("NOFILE", 8),
  limit("NPROC", 1),
  limit("MEMLOCK", 0),
  limit("AS", 1 << 20),
];

const limitsOf = (pid: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...readFileSync(`/proc/${pid}/limits`, "utf8").matchAll(/^Max (.+?) {2,}(\S+) +(\S+)/gm)].map(
      ([, name = "", soft, hard]) => [name, `${soft}:${hard}`],
    ),
  );

const UNLIMITED = ["cpu time", "file size", "data size", "address space", "locked memory", "processes"];

/** None that could break a VMM. Who may not raise a hard limit (no CAP_SYS_RESOURCE) keeps it, and all of it is used. */
function isUnlimited(t: ExecutionContext, pid: number): void {
  const CAP_SYS_RESOURCE = 1n << 24n;
  const capabilities = /CapEff:\t(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  const mayRaise = (BigInt(`0x${capabilities}`) & CAP_SYS_RESOURCE) !== 0n;
  const [found, own] = [limitsOf(pid), limitsOf(process.pid)];
  for (const name of UNLIMITED) {
    const hard = mayRaise ? "unlimited" : own[name]?.split(":")[1];
    t.is(found[name], `${hard}:${hard}`, name);
  }
  t.is(found["stack size"], "8388608:8388608");
  // A dump would be the guest's memory, on the host's disk.
  t.is(found["core file size"], "0:0");
  const [soft, hard] = found["open files"]?.split(":") ?? [];
  t.is(soft, hard);
  t.true(Number(soft) > 64);
}

test.serial(
  "a program's limits hold neither for the VMM nor for init, and create says so in one line",
  (t) => {
    using bench = makeBench(["cat"]);
    bench.configure(({ process }) => Object.assign(process, { rlimits: SMALL }));
    const { code, log, stderr } = bench.call("create");
    t.is(code, 0, stderr);
    t.deepEqual(
      log.map(({ level }) => level),
      ["warning"],
    );
    t.regex(log[0]?.msg ?? "", /process\.rlimits has no effect \(RLIMIT_FSIZE, RLIMIT_CPU, /);
    t.is(bench.call("start", bench.id).code, 0);
    isUnlimited(t, vmmOf(bench.pid()));
    isUnlimited(t, bench.pid());
  },
);

test.serial("of the limits that engines set for every container nothing is said", (t) => {
  using bench = makeBench(["return", "3"]);
  const usual = [limit("NOFILE", 1024), limit("NPROC", 4096)];
  bench.configure(({ process }) => Object.assign(process, { rlimits: usual }));
  t.deepEqual(bench.call("create").log, []);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.wait(), 3);
});

test.serial("what limits the caller of the runtime does not limit the VMM", (t) => {
  using bench = makeBench(["cat"]);
  const runtime = [
    "prlimit",
    "--nofile=64:",
    "--nproc=1:",
    "--stack=1048576:",
    "--memlock=0:",
    "--cpu=9:",
    unikrun,
  ];
  const create = Bun.spawnSync({
    cmd: [
      ...runtime,
      "--root",
      bench.root,
      "create",
      "--bundle",
      bench.bundle,
      "--pid-file",
      `${bench.folder}/pid`,
      bench.id,
    ],
    stdio: ["ignore", "ignore", Bun.file(`${bench.folder}/errors`)],
  });
  t.is(create.exitCode, 0, readFileSync(`${bench.folder}/errors`, "utf8"));
  t.is(bench.call("start", bench.id).code, 0);
  isUnlimited(t, vmmOf(bench.pid()));
});

test.serial("the record of an older version, which had the program's limits in it, is read", (t) => {
  using bench = makeBench(["return", "4"]);
  t.is(bench.call("create").code, 0);
  const file = `${bench.root}/${bench.id}/unikrun.json`;
  const record = JSON.parse(readFileSync(file, "utf8"));
  record.guest.rlimits = [{ resource: 1, soft: "1", hard: "1" }];
  writeFileSync(file, JSON.stringify(record));
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.wait(), 4);
});

const VMM_ENDINGS = [
  { signal: "SIGSEGV", code: 125, line: /the VMM itself crashed, by signal 11 .*not the guest's doing/ },
  { signal: "SIGABRT", code: 125, line: /the VMM itself crashed, by signal 6 / },
  { signal: "SIGXFSZ", code: 125, line: /the VMM itself crashed, by signal 25 / },
  { signal: "SIGSYS", code: 125, line: /the VMM itself crashed, by signal 31 / },
  {
    signal: "SIGKILL",
    code: 137,
    line: /the VMM was killed by signal 9 \(as by a person, or where the host's memory ran out\)/,
  },
  { signal: "SIGINT", code: 143, line: /the VMM was told to end by a signal of somebody else's/ },
] as const;

function startedCat(bench: Bench): { vmm: number; words(): string } {
  if (bench.call("create").code !== 0 || bench.call("start", bench.id).code !== 0)
    throw new Error("the guest does not start");
  return { vmm: vmmOf(bench.pid()), words: () => readFileSync(`${bench.folder}/output.errors`, "utf8") };
}

for (const { signal, code, line } of VMM_ENDINGS) {
  test.serial(`a VMM that ends by ${signal} ends its container with ${code} and a line of ours`, (t) => {
    using bench = makeBench(["cat"]);
    const { vmm, words } = startedCat(bench);
    process.kill(vmm, signal);
    t.is(bench.wait(), code);
    t.regex(words(), line);
    t.is(words().match(/^unikrun: /gm)?.length, 1, words());
  });
}

test.serial(
  "a VMM that crashes while it stops is told of, and the container has the code of its stop",
  (t) => {
    using bench = makeBench(["cat"]);
    const { vmm, words } = startedCat(bench);
    const is = (line: RegExp) => line.test(readFileSync(`/proc/${vmm}/status`, "utf8"));
    process.kill(vmm, "SIGSTOP");
    until(() => is(/^State:\tT/m));
    process.kill(bench.pid(), "SIGTERM");
    // Init's SIGINT waits there.
    until(() => is(/^ShdPnd:\t\w*[2367abef]$/m));
    process.kill(vmm, "SIGSEGV");
    process.kill(vmm, "SIGCONT");
    t.is(bench.wait(), 143);
    t.regex(words(), /the VMM crashed while it ended, by signal 11 .* may be lost/);
  },
);
