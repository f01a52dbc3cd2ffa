/** A guest's questions, on a way to the name server that loses datagrams. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { compileInit } from "../native/init-parts.ts";

test("a question that is lost on its way to the name server is asked again, and fails in time", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-resolver-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = `${folder}/resolver`;
  const source = `${import.meta.dirname}/resolver.c`;
  const network = ["resolver", "stream", "segment", "packet", "checksum", "neighbour"];
  const parts = [...network.map((name) => `network/${name}`), "trace", "directives", "io", "fail"];
  compileInit({ program, source, parts, sanitized: true });
  const { stdout, stderr } = Bun.spawnSync([
    "unshare",
    "-n",
    "sh",
    "-c",
    `ip link set lo up && exec ${program}`,
  ]);
  t.is(stderr.toString(), "");
  t.deepEqual(stdout.toString().trim().split("\n"), [
    "asked 4 times, answer 1234 with rcode 2 at 4501",
    "asked 2 times, answer 1234 with rcode 0 at 1301",
    "asked 4 times, answer 1234 with rcode 0 at 3901",
  ]);
});
