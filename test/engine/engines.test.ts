/** docs/engines.md says what the engines of this machine do, cell by cell. */
import { readFileSync } from "node:fs";
import test from "ava";
import { engine, repository, unikrun } from "./harness.ts";
import { Column, readTable, versionOf, writeColumn } from "./table/answers.ts";
import { askByHand } from "./table/by-hand.ts";
import { askContainerd } from "./table/containerd.ts";
import { askCri } from "./table/cri.ts";
import { askDocker } from "./table/docker.ts";
import { askPodman } from "./table/podman.ts";
import { render } from "./table/render.ts";

const newer = engine === "28";

const COLUMNS = [
  { name: "by hand", version: [unikrun, "--version"], ask: askByHand },
  { name: newer ? "Docker 28" : "Docker 20", version: ["dockerd", "--version"], ask: askDocker },
  {
    name: newer ? "containerd 2" : "containerd 1.6",
    version: ["containerd", "--version"],
    ask: askContainerd,
  },
  { name: newer ? "CRI 2" : "CRI 1.6", version: ["containerd", "--version"], ask: askCri },
  { name: newer ? "Podman 5" : "Podman 4", version: ["podman", "--version"], ask: askPodman },
];

for (const { name, version, ask } of COLUMNS) {
  test.serial(`docs/engines.md: ${name}`, async (t) => {
    const column = new Column();
    await ask(column, t);
    const known = readTable().answers[name];
    if (process.env.UNIKRUN_TABLE === "write") writeColumn(name, versionOf(...version), column.answers);
    else t.deepEqual(column.answers, known);
    t.deepEqual(column.missing(), []);
    t.deepEqual(
      Object.entries(column.answers).filter(([, answer]) => answer.startsWith("fails")),
      [],
    );
  });
}

test("docs/engines.md is what its answers make", (t) => {
  t.is(readFileSync(`${repository}/docs/engines.md`, "utf8"), render(readTable()));
});
