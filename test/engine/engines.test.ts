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

const dockerd = ["dockerd", "--version"];
const containerd = ["containerd", "--version"];
const podman = ["podman", "--version"];

/** The columns that are asked under each of the engines. */
const COLUMNS = {
  "20": [
    { name: "by hand", version: [unikrun, "--version"], ask: askByHand },
    { name: "Docker 20", version: dockerd, ask: askDocker },
    { name: "containerd 1.6", version: containerd, ask: askContainerd },
    { name: "CRI 1.6", version: containerd, ask: askCri },
    { name: "Podman 4", version: podman, ask: askPodman },
  ],
  "26": [{ name: "Docker 26, systemd", version: dockerd, ask: askDocker }],
  "28": [
    { name: "by hand", version: [unikrun, "--version"], ask: askByHand },
    { name: "Docker 28", version: dockerd, ask: askDocker },
    { name: "containerd 2", version: containerd, ask: askContainerd },
    { name: "CRI 2", version: containerd, ask: askCri },
    { name: "Podman 5", version: podman, ask: askPodman },
  ],
}[engine as "20" | "26" | "28"];

/** "write" writes the columns anew, "partly" compares only what is asked of an engine first. */
const mode = process.env.UNIKRUN_TABLE;

for (const { name, version, ask } of COLUMNS) {
  test.serial(`docs/engines.md: ${name}`, async (t) => {
    const column = new Column();
    await ask(column, t, mode === "partly");
    const known = readTable().answers[name] ?? {};
    if (mode === "write") writeColumn(name, versionOf(...version), column.answers);
    else if (mode === "partly") t.like(known, column.answers);
    else t.deepEqual(column.answers, known);
    if (mode !== "partly") t.deepEqual(column.missing(), []);
    t.deepEqual(
      Object.entries(column.answers).filter(([, answer]) => answer.startsWith("fails")),
      [],
    );
  });
}

test("docs/engines.md is what its answers make", (t) => {
  t.is(readFileSync(`${repository}/docs/engines.md`, "utf8"), render(readTable()));
});
