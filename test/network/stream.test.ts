/** A guest's connection to its name server, on a network that loses frames. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { compileInit } from "../native/init-parts.ts";

test("a long question and a long answer arrive whole, and both ends are heard, though every third frame is lost", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-stream-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = `${folder}/stream`;
  const source = `${import.meta.dirname}/stream.c`;
  const parts = [
    "network/stream",
    "network/segment",
    "network/packet",
    "network/checksum",
    "network/neighbour",
    "io",
    "fail",
  ];
  compileInit({ program, source, parts, sanitized: true });
  const { stdout, stderr } = Bun.spawnSync([program]);
  t.is(stderr.toString(), "");
  t.is(stdout.toString(), "40000 bytes, ended, server 0\n");
});
