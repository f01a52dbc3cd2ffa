/** What init makes of messages on its netlink socket, fed to its own listener under a sanitizer. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { compileInit } from "../native/init-parts.ts";

test("only the kernel's messages count, and none is read past its end", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-links-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = `${folder}/links`;
  compileInit({
    program,
    source: `${import.meta.dirname}/links.c`,
    parts: ["network/links", "directives", "fail", "io"],
    sanitized: true,
  });
  const { exitCode, stderr } = Bun.spawnSync([program], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 60_000,
  });
  t.is(exitCode, 0, stderr.toString());
  t.regex(stderr.toString(), /^unikrun: the interface eth77 was connected, but .*\n$/);
});
