import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { UnikrunError } from "../../runtime/error.ts";
import { containerdFormat, isCriDisabled } from "../../runtime/host/containerd-config.ts";
import { findProgram } from "../../runtime/host/engines.ts";

const FILE = "/etc/containerd/config.toml";
const registration = { name: "unikrun", binary: "/usr/local/bin/unikrun" };
const add = (text: string | null, fresh: 2 | 3 = 2): string =>
  containerdFormat(fresh).add(text, FILE, registration);
const remove = (text: string): string => containerdFormat(2).remove(text, FILE, "unikrun", null);

const RUNC = `version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`;

test("a file of version 2 gets a block of that version at its end", (t) => {
  t.is(
    add(RUNC),
    `${RUNC}
# unikrun: begin unikrun
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.unikrun]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["org.unikrun.*"]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.unikrun.options]
  BinaryName = "/usr/local/bin/unikrun"
# unikrun: end
`,
  );
});

test("where a file names no runtime, containerd's own is written too, and goes with the last of ours", (t) => {
  const both = containerdFormat(2).add(add("version = 2\n"), FILE, { ...registration, name: "second" });
  const runc = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]\n';
  t.is(both.split(runc).length, 2);
  const one = remove(both);
  t.true(one.includes(runc));
  t.is(containerdFormat(2).remove(one, FILE, "second", null), "version = 2\n");
});

test("another runtime that is the usual one is left as it is", (t) => {
  const own = `version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "crun"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
runtime_type = "io.containerd.runc.v2"
`;
  t.false(add(own).includes("runtimes.runc"));
});

test("a file of version 3, or a later one, gets the plugin's name of that version", (t) => {
  for (const version of [3, 4])
    t.true(
      add(`version = ${version}\n`).includes(
        "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.unikrun.options]\n",
      ),
    );
});

test("a file without a version is of version 1, in which containerd 2 finds no runtimes", (t) => {
  t.true(add(`oom_score = 0\n`, 2).includes("[plugins.cri.containerd.runtimes.unikrun]\n"));
  t.throws(() => add(`oom_score = 0\n`, 3), { message: /make it one of version 2 first, with version = 2/ });
});

test("no file, or one that says nothing, gets the version of the containerd that is there", (t) => {
  t.true(
    add(null, 2).startsWith('version = 2\n\n# unikrun: begin runc\n[plugins."io.containerd.grpc.v1.cri"'),
  );
  t.true(
    add(null, 3).startsWith(
      "version = 3\n\n# unikrun: begin unikrun\n[plugins.'io.containerd.cri.v1.runtime'",
    ),
  );
  t.true(add("# nothing yet\n", 3).startsWith("# nothing yet\nversion = 3\n"));
});

test("where runc leaves cgroups to systemd, this runtime is told so too", (t) => {
  const text = (name: string): string =>
    `version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}.options]\nSystemdCgroup = true\n`;
  t.true(add(text("runc")).includes(`"/usr/local/bin/unikrun"\n  SystemdCgroup = true\n`));
  t.false(add(text("other")).slice(text("other").length).includes("SystemdCgroup"));
});

for (const text of [
  "version = 2\n",
  "version = 2",
  `version = 2\r\n[plugins]\r\n`,
  `version = 3\n\n\n`,
  `# note\nversion = 2\n[plugins]\n  [plugins."io.containerd.grpc.v1.cri"] # x\n`,
])
  test(`${JSON.stringify(text)} keeps its text before the block, and is what it was after it`, (t) => {
    t.true(add(text).startsWith(text));
    t.is(remove(add(text)).trimEnd(), text.trimEnd());
    if (text.endsWith("\n")) t.is(remove(add(text)), text);
  });

test("what stands behind the block stays when it is taken out", (t) => {
  t.is(remove(`${add("version = 2\n")}[metrics]\n`), "version = 2\n[metrics]\n");
});

test("runtimes of each version are found, and who put them there", (t) => {
  const text = `${add(RUNC)}[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]\nruntime_type = "io.containerd.kata.v2"\n`;
  t.deepEqual(containerdFormat(2).list(text, FILE), [
    { name: "runc", binary: null, isOurs: false },
    { name: "unikrun", binary: "/usr/local/bin/unikrun", isOurs: true },
    { name: "kata", binary: null, isOurs: false },
  ]);
  for (const version of ["oom_score = 0\n", "version = 3\n"])
    t.is(containerdFormat(2).list(add(version), FILE).at(-1)?.binary, "/usr/local/bin/unikrun");
});

test("what is not TOML, of an unknown version, or closed to new tables is refused", (t) => {
  const refused = (text: string, message: RegExp): void =>
    void t.throws(() => add(text), { instanceOf: UnikrunError, message });
  refused("version = \n", /^\/etc\/containerd\/config\.toml is not valid TOML \(.+\): mend it first/);
  refused(`version = "two"\n`, /has the version "two"/);
  refused(
    `version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\nruntimes = { runc = { runtime_type = "x" } }\n`,
    /inline/,
  );
});

test("a CRI plugin that is switched off is noticed, by any of its names", (t) => {
  t.true(isCriDisabled(`disabled_plugins = ["cri"]\n`, FILE));
  t.true(isCriDisabled(`version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n`, FILE));
  t.false(isCriDisabled(`disabled_plugins = []\n`, FILE));
});

const containerd = findProgram("", "containerd");
const containerdTest = containerd ? test : test.skip;

containerdTest(
  `the installed containerd reads what was added${containerd ? "" : " (skipped: there is no containerd)"}`,
  (t) => {
    const folder = mkdtempSync(`${tmpdir()}/unikrun-host-`);
    t.teardown(() => rmSync(folder, { recursive: true }));
    for (const text of [null, "version = 2\n", "oom_score = 0\n"]) {
      const file = `${folder}/config.toml`;
      writeFileSync(file, add(text));
      const { stdout, exitCode } = Bun.spawnSync({
        cmd: [containerd ?? "", "--config", file, "config", "dump"],
        timeout: 10_000,
      });
      t.is(exitCode, 0);
      t.regex(stdout.toString(), /BinaryName = ["']\/usr\/local\/bin\/unikrun["']/, String(text));
    }
  },
);
