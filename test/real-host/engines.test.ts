/** The column of docs/engines.md for Docker as a whole host runs it. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "ava";
import { inRepository } from "./harness.ts";

const mode = process.env.UNIKRUN_TABLE ?? "partly";
const ASK =
  `UNIKRUN_TABLE=${mode === "all" ? "" : mode} UNIKRUN_ENGINE=26 UNIKRUN_BINARY=/usr/bin/unikrun ` +
  "UNIKRUN_CONTAINERD=/run/containerd/containerd.sock " +
  "bun --bun node_modules/ava/entrypoints/cli.mjs --tap --serial --timeout=30m test/engine/engines.test.ts";
const WRITTEN = ["test/engine/table/answers.json", "docs/engines.md"];

test("docs/engines.md says what this host's Docker answers", async (t) => {
  t.timeout(60 * 60_000);
  const { code, stdout, stderr } = await inRepository(ASK);
  t.is(code, 0, stdout + stderr);
  if (mode === "write")
    for (const file of WRITTEN)
      writeFileSync(resolve(import.meta.dirname, "../..", file), (await inRepository(`cat ${file}`)).stdout);
});
