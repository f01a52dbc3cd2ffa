/**
 * What all of unikrun's commands have in common, asked of each in the table: its help, its exit codes, JSON, and what becomes of it where
 * its answer can't be written.
 */
import { existsSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { VERBS } from "../../runtime/cli/table.ts";
import { type Bench, makeBench, probe, unikrun } from "./harness.ts";

interface Sample {
  /** Calls that make what it is about. */
  readonly before?: readonly (readonly string[])[];
  /** Arguments of a call that goes well, or ends with `code`. */
  call(bench: Bench): readonly string[];
  readonly code?: number;
  /** Of one that can't go well; none where there is no such call. */
  readonly wrong?: readonly string[];
}

const CREATED = [["create"]];
const STARTED = [["create"], ["start", "ID"]];
const ofContainer = (before: Sample["before"], ...flags: readonly string[]): Sample => ({
  ...(before ? { before } : {}),
  call: ({ id }) => [...flags, id],
  wrong: ["nobody"],
});
/** What these have on stdout is the guest's. */
const CONTAINERS_STDOUT = ["create", "run", "restore"];
const NO_ENGINE = ["no-such-engine"];

/** Every command has one: a new one fails here until it has. */
const SAMPLES: Readonly<Record<string, Sample>> = {
  create: {
    call: ({ bundle, id }) => ["--bundle", bundle, id],
    wrong: ["--bundle", "/nowhere", "nobody"],
  },
  start: ofContainer(CREATED),
  state: ofContainer(CREATED),
  kill: ofContainer(STARTED),
  delete: ofContainer(CREATED, "--force"),
  pause: ofContainer(STARTED),
  resume: ofContainer([...STARTED, ["pause", "ID"]]),
  events: ofContainer(STARTED, "--stats"),
  update: ofContainer(STARTED, "--pids-limit", "100"),
  list: { before: CREATED, call: () => [] },
  status: ofContainer(STARTED),
  trace: ofContainer(STARTED),
  logs: { before: CREATED, call: () => ["nobody"], code: 1, wrong: ["nobody"] },
  ps: ofContainer(STARTED),
  run: {
    call: ({ bundle, id }) => ["--detach", "--bundle", bundle, id],
    wrong: ["--bundle", "/nowhere", "nobody"],
  },
  spec: { call: ({ folder }) => ["--bundle", folder], wrong: ["--bundle", "/nowhere"] },
  features: { call: () => [] },
  inspect: { call: () => [probe], wrong: ["/nowhere/kernel.bin"] },
  volumes: { call: ({ folder }) => ["--store", folder], wrong: ["--store", "/nowhere", "/nowhere"] },
  templates: { call: ({ folder }) => ["--store", folder, "--json"], wrong: ["no-such-template"] },
  install: { call: ({ folder }) => ["--prefix", folder, "--dry-run", "docker"], wrong: NO_ENGINE },
  uninstall: { call: ({ folder }) => ["--prefix", folder, "--dry-run", "docker"], wrong: NO_ENGINE },
  check: { call: () => [] },
  report: { call: () => [], wrong: ["--output", "/nowhere/report"] },
  completion: { call: () => ["fish"], wrong: ["tcsh"] },
  version: { call: () => [] },
  help: { call: () => ["kill"], wrong: ["no-such-command"] },
  exec: {
    before: STARTED,
    call: ({ id }) => [id, "unikrun", "status", "--json"],
    wrong: ["nobody", "unikrun", "status"],
  },
  checkpoint: {
    before: STARTED,
    call: ({ folder, id }) => ["--image-path", `${folder}/checkpoint`, id],
    wrong: ["nobody"],
  },
  restore: {
    before: [...STARTED, ["checkpoint", "--image-path", "CHECKPOINT", "ID"], ["delete", "ID"]],
    call: ({ bundle, folder, id }) => [
      ...["--detach", "--bundle", bundle, "--image-path", `${folder}/checkpoint`],
      id,
    ],
    wrong: ["--bundle", "/nowhere", "nobody"],
  },
};

test("every command has a sample here", (t) => {
  t.deepEqual(Object.keys(SAMPLES).sort(), VERBS.map(({ name }) => name).sort());
});

function prepared(t: ExecutionContext, { before = [] }: Sample): Bench {
  const bench = makeBench(["sleep", "1000"]);
  t.teardown(() => bench[Symbol.dispose]());
  const real = (word: string): string =>
    ({ ID: bench.id, CHECKPOINT: `${bench.folder}/checkpoint` })[word] ?? word;
  for (const call of before) {
    const { code, stderr } = bench.call(...call.map(real));
    t.is(code, 0, `${call.join(" ")}: ${stderr}`);
  }
  return bench;
}

let calls = 0;

/** What a call says, whose stdout is what the shell makes of `where`; it ends with the exit code as the shell tells it. */
function said(bench: Bench, words: readonly string[], where?: string) {
  // Files of its own, since what is created keeps what its create had.
  const [answer, errors] = [`${bench.folder}/said${++calls}`, `${bench.folder}/errors${calls}`];
  const script = `exec 2>${errors}; "$@" ${where ?? `>${answer}`}; exit \${PIPESTATUS[0]}`;
  const { exitCode } = Bun.spawnSync(
    ["bash", "-c", script, "bash", unikrun, "--root", bench.root, ...words],
    {
      stdin: "ignore",
    },
  );
  const read = (file: string): Promise<string> => Bun.file(file).text();
  const [stdout, stderr] = [answer, errors].map((file) =>
    existsSync(file) ? read(file) : Promise.resolve(""),
  );
  return { code: exitCode, stdout: stdout ?? Promise.resolve(""), stderr: stderr ?? Promise.resolve("") };
}

const isSentence = (t: ExecutionContext, stderr: string, message?: string): void => {
  t.regex(stderr, /^unikrun: error: [^\n]+[.?]\n$/, message);
  t.notRegex(stderr, /unexpectedly|\$bunfs/, message);
};

/** Where an answer can't be written, by what a shell calls it. */
const UNWRITABLE = { full: ">/dev/full", closed: ">&-" } as const;

async function failsToWrite(t: ExecutionContext, bench: Bench, words: readonly string[]): Promise<void> {
  for (const [how, where] of Object.entries(UNWRITABLE)) {
    const { code, stderr } = said(bench, words, where);
    t.is(code, 1, how);
    // Of a command about a guest its own tool says it.
    t.regex(await stderr, /^unikrun: [^\n]*can't write its answer to stdout \([^\n]+\)[^\n]*\n$/, how);
  }
}

for (const { name, args, prints, delegated } of VERBS) {
  const sample = SAMPLES[name];
  if (!sample) continue;

  test.serial(`${name} --help shows its usage, and says so where it can't be written`, async (t) => {
    const bench = prepared(t, {} as Sample);
    const { code, stdout, stderr } = said(bench, [name, "--help"]);
    t.is(code, 0, await stderr);
    t.is((await stdout).split("\n")[0], ["unikrun", name, ...args].join(" "));
    await failsToWrite(t, bench, [name, "--help"]);
    const piped = said(bench, [name, "--help"], "| true");
    t.is(piped.code, 141);
    t.is(await piped.stderr, "");
  });

  test.serial(`${name} ends with 0 where it goes well, else with 1 and a sentence`, async (t) => {
    const bench = prepared(t, sample);
    const { code, stdout, stderr } = said(bench, [name, ...sample.call(bench)]);
    t.is(code, sample.code ?? 0, await stderr);
    if (!CONTAINERS_STDOUT.includes(name))
      t.is((await stdout) === "", prints === undefined || code !== 0, await stdout);
    for (const wrong of [
      ...(sample.wrong ? [sample.wrong] : []),
      // Another runtime judges those of its own.
      ...(delegated ? [] : [["--no-such-flag"]]),
    ]) {
      const refused = said(bench, [name, ...wrong]);
      t.is(refused.code, 1, wrong.join(" "));
      t.is(await refused.stdout, "", wrong.join(" "));
      isSentence(t, await refused.stderr, wrong.join(" "));
    }
  });

  test.serial(`${name} minds its stdout where it prints, and only there`, async (t) => {
    const bench = prepared(t, sample);
    const words = [name, ...sample.call(bench)];
    if (prints !== undefined && sample.code === undefined) {
      await failsToWrite(t, bench, words);
      return;
    }
    const { code, stderr } = said(bench, words, UNWRITABLE.closed);
    t.is(code, sample.code ?? 0, await stderr);
  });

  if (prints === "facts")
    test.serial(`${name} --json prints JSON`, async (t) => {
      const bench = prepared(t, sample);
      const { code, stdout, stderr } = said(bench, [name, "--json", ...sample.call(bench)]);
      t.is(code, 0, await stderr);
      t.is(typeof JSON.parse(await stdout), "object");
    });
}
