/** What `unikrun report` writes for a bug report. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { callWith } from "./engine-folders.ts";
import { makeBench, unikrun } from "./harness.ts";

const SECRET = "swordfish";

test.serial(
  "a report has versions, check, settings, containers and last errors, and nothing of guests' words",
  (t) => {
    using bench = makeBench(["sleep", "1000", SECRET]);
    bench.configure(({ process }) => process.env.push(`PASSWORD=${SECRET}`));
    t.is(bench.call("create").code, 0);
    const lines = [
      {
        level: "error",
        msg: `there is no "${SECRET}" in it: exec runs "unikrun http"`,
        time: "2026-01-01T00:00:00Z",
      },
      { level: "debug", msg: `board: ${SECRET}`, time: "2026-01-01T00:00:00Z" },
    ];
    writeFileSync(
      `${bench.bundle}/log.json`,
      lines.map((line) => `${JSON.stringify(line)}\nno JSON\n`).join(""),
    );
    const { code, stdout, stderr } = callWith({ "/run/docker/runtime-runc/moby": bench }, "report");
    t.is(code, 0, stderr);
    for (const part of [
      /^## Versions\n\nunikrun +\d+\.\d+\.\d+, commit \w+/,
      /^QEMU +\d+\.\d+/m,
      /^kernel +\d+\./m,
      /^(docker|podman|containerd) +(none|\d+\.)/m,
      /^## Check\n\n(ok|warning|missing) /m,
      /^Guests can/m,
      /^## Host settings \(\/etc\/unikrun\/config\.json\)\n\n[{T/]/m,
      /^## Containers\n\n1 rumprun, created, docker$/m,
      /^## Last errors\n\n(.*\n)*log\.json: 2026-01-01T00:00:00Z error there is no "…" in it/m,
    ])
      t.regex(stdout, part);
    t.false(stdout.includes(SECRET));
  },
);

test.serial("with -o it is in a file, and a folder that is not there is one sentence", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-report-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const report = (file: string) => Bun.spawnSync([unikrun, "report", "-o", file]);
  t.is(report(`${folder}/report`).exitCode, 0);
  t.regex(readFileSync(`${folder}/report`, "utf8"), /^## Versions\n/);
  const { exitCode, stderr } = report(`${folder}/absent/report`);
  t.is(exitCode, 1);
  t.regex(stderr.toString(), /^unikrun: error: The report can't be written to .*: name another file\.\n$/);
});
