/** What init makes of messages on its netlink socket, fed to its own listener under a sanitizer. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import test from "ava";

test("only the kernel's messages count, and none is read past its end", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-links-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const init = resolve(import.meta.dirname, "../../native/init");
  const parts = ["network/links", "directives", "fail", "io"].map((part) => `${init}/${part}.c`);
  const source = `${import.meta.dirname}/links.c`;
  const run = (...cmd: string[]) =>
    Bun.spawnSync(cmd, { stdio: ["ignore", "ignore", "pipe"], timeout: 60_000 });
  const made = run(
    "gcc",
    "-std=gnu11",
    "-I",
    init,
    "-I",
    resolve(init, "../../build"),
    "-fsanitize=address,undefined",
    "-o",
    `${folder}/links`,
    source,
    ...parts,
  );
  t.is(made.exitCode, 0, made.stderr.toString());
  const { exitCode, stderr } = run(`${folder}/links`);
  t.is(exitCode, 0, stderr.toString());
  t.regex(stderr.toString(), /^unikrun: the interface eth77 was connected, but .*\n$/);
});
