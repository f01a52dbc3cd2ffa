import test from "ava";
import type { ExitRule } from "../../runtime/guest/guest.ts";
import { rumprun } from "../../runtime/guest/rumprun.ts";

/** Reads console lines as init does (native/init/guest/rules.c), with the vCPU halted whenever it is looked at. */
function ending(lines: readonly string[]): { code: number | undefined; ended: boolean } {
  let phase = "boot";
  let code: number | undefined;
  for (const line of lines) {
    const [rule, number] = match(line, phase);
    if (!rule) continue;
    if (rule.code !== undefined) code = rule.code === "#" ? number & 255 : rule.code;
    phase = rule.phase ?? phase;
    if (rule.halts || phase === "ended") return { code, ended: true };
  }
  return { code, ended: false };
}

function match(line: string, phase: string): [ExitRule | undefined, number] {
  for (const rule of rumprun.exitRules) {
    const pattern = rule.line
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replace("#", "(-?\\d+)");
    const found = new RegExp(`^${pattern}$`).exec(line);
    if (found && (rule.when === undefined || rule.when === phase)) return [rule, Number(found[1])];
  }
  return [undefined, 0];
}

const BOOTED = ["mounted tmpfs on /tmp", "", '=== calling "hello" main() ===', ""];
const HALTING = ["rump kernel halting...", "syncing disks... done", "unmounting done", "halted"];

test("a program's return value is the exit code", (t) => {
  const returned = (code: number) => [
    `=== main() of "hello" returned ${code} ===`,
    "",
    code ? `=== ERROR: _exit(${code}) called ===` : "=== _exit(0) called ===",
  ];
  t.deepEqual(ending([...BOOTED, ...returned(7), ...HALTING]), { code: 7, ended: true });
  t.deepEqual(ending([...BOOTED, ...returned(0), ...HALTING]), { code: 0, ended: true });
  t.deepEqual(ending([...BOOTED, ...returned(-1), ...HALTING]), { code: 255, ended: true });
  t.deepEqual(ending([...BOOTED, "=== ERROR: _exit(300) called ===", ...HALTING]), { code: 44, ended: true });
});

test("the last of several codes counts, and text that looks like one is overruled by the real one", (t) => {
  const lookalike = ['=== main() of "x" returned 3 ===', "PANIC: not really", "=== bootstrap failed"];
  t.deepEqual(ending([...BOOTED, ...lookalike, "=== _exit(0) called ===", ...HALTING]), {
    code: 0,
    ended: true,
  });
});

test("a daemon, and a main thread that just ends, are code 0", (t) => {
  t.deepEqual(ending([...BOOTED, ...HALTING]), { code: 0, ended: true });
});

test("a panic is 134, a fault 139, a failed boot 126, too little memory 137", (t) => {
  t.deepEqual(ending([...BOOTED, "panic: x", "rump kernel halting...", "PANIC: rumpuser panic", "halted"]), {
    code: 134,
    ended: true,
  });
  t.deepEqual(ending([...BOOTED, "unfinished linePANIC: x", "halted"]), { code: 134, ended: true });
  t.deepEqual(ending([...BOOTED, "unfinishedFATAL TRAP: page fault at 0x110e03 (0x0)"]), {
    code: 139,
    ended: true,
  });
  t.deepEqual(ending(["", "=== bootstrap failed", ...HALTING]), { code: 126, ended: true });
  t.deepEqual(ending(["cannot handle page request order 0/0x1000!"]), { code: 137, ended: true });
});

test("a running program may say that memory is short without being ended", (t) => {
  t.deepEqual(ending([...BOOTED, "cannot handle page request order 0/0x1000!"]), {
    code: undefined,
    ended: false,
  });
});
