/**
 * scripts/with-docker --engine 28 node_modules/.bin/bun scripts/runtime-tools.ts SOURCE SCHEMA
 * Runs the validation tests of opencontainers/runtime-tools with runc, crun and unikrun, and writes docs/runtime-tools.md.
 * SOURCE is a checkout in which `make runtimetest validation-executables` was called, SCHEMA the folder `schema` of the
 * runtime-spec; both below /tmp, which the engine's tree shares.
 */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";

const repository = resolve(import.meta.dirname, "..");
const source = resolve(process.argv[2] ?? ".");
const which = (name: string): string => Bun.which(name) ?? name;

const RUNTIMES = [
  { name: "runc", path: which("runc") },
  { name: "crun", path: which("crun") },
  { name: "unikrun, handing on to runc", path: `${repository}/dist/unikrun` },
  { name: "unikrun, a unikernel", path: `${repository}/scripts/lib/as-unikernel.ts` },
];

/** What a Linux program inside is to find or to do, no unikernel can. */
const WANTS_PROGRAM = /RuntimeInsideValidate|RuntimeLifecycleValidate.*runtimetest|trap .*exit/;

const WORDS: Readonly<Record<string, string>> = {
  killsig: "a shell inside is to trap the signals",
  start: "a shell inside is to write a file",
  linux_ns_itype: "wants the host's network, refused in a sentence",
  linux_ns_nopath: "wants a user namespace, refused in a sentence",
  linux_uid_mappings: "wants a user namespace, refused in a sentence",
};

/** "passed/all" of a test's TAP, or how it stopped. */
function run(name: string, runtime: { path: string }): string {
  const PATIENCE = 60_000;
  const test = Bun.spawnSync({
    cmd: [`${source}/validation/${name}/${name}.t`],
    cwd: source,
    env: {
      ...process.env,
      RUNTIME: runtime.path,
      PATH: `${repository}/node_modules/.bin:${process.env.PATH}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: PATIENCE,
  });
  const lines = test.stdout.toString().split("\n");
  const [good, bad] = ["ok ", "not ok "].map((word) => lines.filter((line) => line.startsWith(word)).length);
  if (good === 0 && bad === 0) return test.exitCode === 0 ? "passes" : "can't run here";
  return `${good}/${(good ?? 0) + (bad ?? 0)}`;
}

const FIXTURES = `${resolve(process.argv[3] ?? ".")}/test/config`;
const readers = RUNTIMES.filter(({ path }) => !path.endsWith("as-unikernel.ts"));
const fixtures = ["good", "bad"].flatMap((kind) =>
  readdirSync(`${FIXTURES}/${kind}`)
    .filter((name) => !/^(freebsd|zos)-/.test(name))
    .map((name) => {
      const cells = readers.map((runtime) => read(`${FIXTURES}/${kind}/${name}`, runtime));
      return `| ${kind}/${name} | ${cells.join(" | ")} |`;
    }),
);

const tests = readdirSync(`${source}/validation`)
  .sort()
  .filter((name) => existsSync(`${source}/validation/${name}/${name}.t`));
const rows = tests.map((name) => {
  const text = readFileSync(`${source}/validation/${name}/${name}.go`, "utf8");
  const cells = RUNTIMES.map((runtime) =>
    runtime.path.endsWith("as-unikernel.ts") && WANTS_PROGRAM.test(text) ? "–" : run(name, runtime),
  );
  console.error(name, ...cells);
  return `| ${name} | ${cells.join(" | ")} | ${WORDS[name] ?? ""} |`;
});
/** What a runtime says to a fixture of the specification in a bundle that has no files: a good one lacks only these. */
function read(file: string, runtime: { path: string }): string {
  const bundle = mkdtempSync(`${tmpdir()}/fixture-`);
  try {
    copyFileSync(file, `${bundle}/config.json`);
    const cmd = [runtime.path, "--root", `${bundle}/state`, "create", "--bundle", bundle, "fixture"];
    const { stderr } = Bun.spawnSync({
      cmd,
      cwd: bundle,
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 10_000,
    });
    const words = stderr.toString().trim().split("\n").at(-1) ?? "";
    return words
      .replaceAll(bundle, "BUNDLE")
      .replace(/^time=\S+ level=error msg="|"$|^unikrun: |^\S+Z: /g, "")
      .replaceAll("|", "\\|");
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

const version = (cmd: readonly string[]): string =>
  Bun.spawnSync([...cmd])
    .stdout.toString()
    .split("\n")[0]
    ?.trim() ?? "";
writeFileSync(
  `${repository}/docs/runtime-tools.md`,
  `# The validation tests of runtime-tools

Made by \`scripts/runtime-tools.ts\` with [opencontainers/runtime-tools](https://github.com/opencontainers/runtime-tools) ${readFileSync(`${source}/VERSION`, "utf8").trim()}, ${version(["runc", "--version"])} and ${version(["crun", "--version"])}.
A cell has the checks that passed, of all that were made; what fails with runc fails by the tests' own age or by this host (cgroup version 1, no AppArmor, no SELinux). In the third column the tests' own programs run, which unikrun hands on to runc. In the fourth
each bundle's program was exchanged for a unikernel; "–" stands where the test is about what a Linux program finds inside.

| test | ${RUNTIMES.map(({ name }) => name).join(" | ")} | |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

## The specification's own fixtures

What each runtime says to a configuration of the runtime-spec's schema tests, in a bundle without any files: of a good one nothing else may be wrong, a bad one must be refused for what is bad in it. Those for FreeBSD and z/OS are left out. Unit tests
(\`test/container/spec.test.ts\`, \`test/container/features.test.ts\`) try all of them, those of \`features\` and \`state\` too.

| fixture | ${readers.map(({ name }) => name.replace(/,.*/, "")).join(" | ")} |
| --- | --- | --- | --- |
${fixtures.join("\n")}
`,
);
