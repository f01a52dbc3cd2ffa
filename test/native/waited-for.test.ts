/** What of init ends with who waits for it, where he has ended before it could ask to be told. */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import test from "ava";
import { encodeDirectives } from "../../native/directives.ts";

const init = resolve(import.meta.dirname, "../../build/init");

/** What it answers that has not all it needs, as soon as it looks. */
function answerOf(name: string, waiter: number): string {
  const [orders, answer] = ["orders", "answer"].map(
    (file) => `${tmpdir()}/unikrun-waited-${process.pid}-${name}-${file}`,
  ) as [string, string];
  writeFileSync(orders, encodeDirectives([["wait", String(waiter)]]));
  const fds = [openSync(orders, "r"), openSync(answer, "w+")] as const;
  try {
    Bun.spawnSync([init, name], { stdio: ["ignore", "ignore", "ignore", ...fds] });
    return readFileSync(answer, "utf8");
  } finally {
    for (const fd of fds) closeSync(fd);
    for (const file of [orders, answer]) rmSync(file);
  }
}

for (const name of ["exec", "trial", "check"])
  test(`init ${name} does nothing for a parent that is gone`, (t) => {
    t.regex(answerOf(name, process.pid), /^error /);
    t.is(answerOf(name, 1), "");
  });
