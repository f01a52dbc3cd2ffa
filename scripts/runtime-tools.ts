/**
 * scripts/with-docker --engine 28 node_modules/.bin/bun scripts/runtime-tools.ts SOURCE SCHEMA
 * Runs the validation tests of opencontainers/runtime-tools, and the configurations of the runtime-spec's schema tests, with runc,
 * crun and unikrun, and writes docs/runtime-tools.md. Ends with 1 where unikrun is worse than the better of the two and nothing below says why.
 * SOURCE is a checkout in which `make runtimetest validation-executables` was called; SCHEMA a copy of runtime-spec's folder schema,
 * somewhere where both engines' trees see it (below /tmp).
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { create, fixturesIn } from "./lib/fixtures.ts";
import { runTap, score } from "./lib/tap.ts";

const repository = resolve(import.meta.dirname, "..");
const [source, schema] = process.argv.slice(2).map((path) => resolve(path));
if (!source || !schema) throw new Error("usage: scripts/runtime-tools.ts SOURCE SCHEMA");
process.env.PATH = `${repository}/node_modules/.bin:${process.env.PATH}`;

const which = (name: string): string => {
  const path = Bun.which(name);
  if (path === null) throw new Error(`${name} is not installed`);
  return path;
};
const [runc, crun, busybox] = [which("runc"), which("crun"), which("busybox")];
const unikrun = `${repository}/dist/unikrun`;
const probe = `${repository}/build/guest/probe.bin`;
const asUnikernel = `${repository}/scripts/lib/as-unikernel.ts`;

/** What a Linux program inside is to find, no unikernel can; most of these tests wait for it to have looked. */
const LOOKS_INSIDE = /RuntimeInsideValidate/;

const PROGRAM_WRITES = "the program inside is to write a file into the image";

/** Why a unikernel does worse than the better of runc and crun. */
const REASONS: Readonly<Record<string, string>> = {
  killsig: "a shell inside is to trap the signals; a guest has no handlers, each ends it",
  start: `${PROGRAM_WRITES}; without \`process\` there is no guest, and runc is asked`,
  poststop: PROGRAM_WRITES,
  linux_ns_itype: "wants the host's network, refused in a sentence",
};

const fixtureRows = fixturesIn(schema).map((fixture) => {
  const cells = [
    create(fixture, { runtime: unikrun, program: probe }),
    create(fixture, { runtime: runc, program: busybox }),
    create(fixture, { runtime: crun, program: busybox }),
  ];
  console.error(fixture.name, cells);
  return `| ${fixture.name} | ${fixture.name.startsWith("bad/") ? "refused" : "read"} | ${cells.join(" | ")} |`;
});

const tests = readdirSync(`${source}/validation`)
  .sort()
  .filter((name) => existsSync(`${source}/validation/${name}/${name}.t`));
const unexplained: string[] = [];
const rows = tests.map((name) => {
  const run = (runtime: string): string =>
    runTap({ file: `${source}/validation/${name}/${name}.t`, source, runtime });
  const inside = LOOKS_INSIDE.test(readFileSync(`${source}/validation/${name}/${name}.go`, "utf8"));
  const [first, second, handedOn] = [run(runc), run(crun), run(unikrun)];
  const unikernel = inside ? "–" : run(asUnikernel);
  const isWorse = !inside && score(unikernel) < Math.max(score(first), score(second));
  if ((isWorse && !REASONS[name]) || score(handedOn) < score(first)) unexplained.push(name);
  console.error(name, first, second, handedOn, unikernel);
  return `| ${name} | ${first} | ${second} | ${handedOn} | ${unikernel} | ${isWorse ? (REASONS[name] ?? "") : ""} |`;
});

const firstLine = (...cmd: string[]): string => Bun.spawnSync(cmd).stdout.toString().split("\n")[0] ?? "";
const title = `runtime-tools ${readFileSync(`${source}/VERSION`, "utf8").trim()}, ${firstLine(runc, "--version")}, ${firstLine(crun, "--version")}`;
writeFileSync(
  `${repository}/docs/runtime-tools.md`,
  `# The specification's own tests

Made by \`scripts/runtime-tools.ts\`:
${title},
on a host whose cgroups are of version 1.

## Validation tests

Of [opencontainers/runtime-tools](https://github.com/opencontainers/runtime-tools). A cell has the
checks that passed, of all that were made. Some tests make none, and only complain: they pass or
fail. "no container": the runtime refused to make one. What no runtime passes is the tests' own age
(hooks as they were before version 1.0.2, \`kernel\` memory, pointers compared in place of numbers) or
this host's lack (AppArmor, SELinux, hugetlb, net_cls, BFQ).

- *handed on*: unikrun with the tests' own Linux programs, which it hands to runc.
- *unikernel*: each bundle's program was exchanged for the probe unikernel. "–": the test is about
  what a Linux program finds inside.

| test | runc | crun | unikrun, handed on | unikrun, unikernel | where a unikernel does worse |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

## Schema fixtures

The configurations of the [runtime-spec](https://github.com/opencontainers/runtime-spec)'s schema
tests (those for FreeBSD and z/OS left out), each in a bundle with a program \`sh\`, a unikernel's
kernel for unikrun and busybox for the others: "created", or what the runtime said. A good one may
be refused for what this host lacks; the schema tests need it to be readable only. The unit tests
(\`spec/spec.test.ts\`, \`engines/features.test.ts\` and \`record/status.test.ts\` in \`test/container/\`)
try the fixtures of \`config\`, \`features\` and \`state\`.

| fixture | to be | unikrun | runc | crun |
| --- | --- | --- | --- | --- |
${fixtureRows.join("\n")}
`,
);
if (unexplained.length > 0) {
  console.error(`Worse than runc or crun, for no reason that is known: ${unexplained.join(", ")}.`);
  process.exitCode = 1;
}
