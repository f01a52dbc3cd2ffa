/** The exit code of a guest that ends its machine by isa-debug-exit, as init reads it off QEMU's own status (native/init/ending.c). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { encodeDirectives } from "../../native/directives.ts";
import type { GuestFamily } from "../../runtime/guest/guest.ts";
import { nanos } from "../../runtime/guest/nanos.ts";
import { rumprun } from "../../runtime/guest/rumprun.ts";
import { debugDirectives } from "../../runtime/machine/debug-port.ts";
import { compileInit } from "../native/init-parts.ts";

const folder = mkdtempSync(`${tmpdir()}/unikrun-port-`);
const reader = `${folder}/reader`;

test.before(() =>
  compileInit({
    program: reader,
    source: `${import.meta.dirname}/how-it-ended.c`,
    parts: ["ending", "guest/debug_port", "trace", "directives", "fail", "io", "oom"],
    sanitized: true,
  }),
);
test.after.always(() => rmSync(folder, { recursive: true }));

function codeOf({ ending }: GuestFamily, status: number, words = ""): number {
  writeFileSync(`${folder}/directives`, encodeDirectives(debugDirectives(ending.debugCodes ?? [])));
  const { stdout, stderr } = Bun.spawnSync([reader, `${folder}/directives`, String(status), words]);
  if (stdout.length === 0) throw new Error(stderr.toString());
  return Number(stdout.toString());
}

test("QEMU's status is twice the guest's code, and 1", (t) => {
  t.is(codeOf(nanos, 1), 0);
  t.is(codeOf(nanos, 3), 1);
  t.is(codeOf(nanos, 15), 7);
  t.is(codeOf(nanos, 255), 127);
});

test("an error of QEMU's, which ends it with 1, too, is none of the guest's codes", (t) => {
  t.is(codeOf(nanos, 1, "qemu-system-x86_64: could not read the disk\n"), 125);
  t.is(codeOf(nanos, 1, "qemu-system-x86_64: warning: x\nqemu-system-x86_64: it failed\n"), 125);
});

test("a warning of QEMU's is no error", (t) => {
  t.is(codeOf(nanos, 1, "qemu-system-x86_64: warning: TCG doesn't support requested feature\n"), 0);
  t.is(codeOf(nanos, 15, "qemu-system-x86_64: a queue was not as it should be\n"), 7);
});

test("a guest without such a port has no such code", (t) => {
  t.is(codeOf(rumprun, 15), 125);
});
