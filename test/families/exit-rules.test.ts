/** How a guest's last words are read, by init's own reader of consoles (native/init/guest), chunk by chunk. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { encodeDirectives } from "../../native/directives.ts";
import { rumprun } from "../../runtime/guest/rumprun.ts";
import { ruleDirectives } from "../../runtime/machine/plan.ts";
import { compileInit } from "../native/init-parts.ts";

const folder = mkdtempSync(`${tmpdir()}/unikrun-words-`);
const reader = `${folder}/reader`;

test.before(() => {
  compileInit({
    program: reader,
    source: `${import.meta.dirname}/last-words.c`,
    parts: ["guest/console", "guest/rules", "directives", "fail", "io"],
    sanitized: true,
  });
  writeFileSync(`${folder}/rules`, encodeDirectives(rumprun.ending.rules.flatMap(ruleDirectives)));
});
test.after.always(() => rmSync(folder, { recursive: true }));

function succeed(cmd: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(cmd, { stdio: ["ignore", "pipe", "pipe"] });
  if (exitCode !== 0) throw new Error(`${cmd[0]}: code ${exitCode}: ${stderr}`);
  return stdout.toString().trim();
}

/** What is made of each chunk, and the code after it. */
function read(...chunks: readonly string[]): { verdict: string; code: number | undefined }[] {
  return succeed([reader, `${folder}/rules`, ...chunks])
    .split("\n")
    .map((line) => {
      const [, verdict = "", code] = /^(.*) (-?\d+)$/.exec(line) ?? [];
      return { verdict, code: code === "-1" ? undefined : Number(code) };
    });
}

/** Whether the guest has ended, if its vCPU is halted whenever it is looked at. */
function ending(lines: readonly string[]): { code: number | undefined; ended: boolean } {
  const last = read(...lines.map((line) => `${line}\r\n`)).findLast(
    ({ verdict }, index, all) => verdict !== "goes on" || index === all.length - 1,
  );
  return { code: last?.code, ended: last?.verdict !== "goes on" };
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

test("what kills the guest at once stays said, whatever follows in the same read", (t) => {
  const end = "cannot handle page request order 0/0x1000!\r\n";
  t.deepEqual(read(`${end}and more\r\n`), [{ verdict: "ends", code: 137 }]);
  t.deepEqual(read("cannot handle page re", "quest order 0/0x1000!\r", "\nmore"), [
    { verdict: "goes on", code: undefined },
    { verdict: "goes on", code: undefined },
    { verdict: "ends", code: 137 },
  ]);
});

test("a halt is taken back by what follows, in the same read or later", (t) => {
  const words = `${[...BOOTED, ...HALTING].join("\r\n")}\r\n`;
  t.deepEqual(read(words, "alive\r\n"), [
    { verdict: "halts", code: 0 },
    { verdict: "goes on", code: 0 },
  ]);
  t.deepEqual(read(`${words}alive\r\n`), [{ verdict: "goes on", code: 0 }]);
});

test("a line that never ends, and one with a return in it, are none of the kernel's", (t) => {
  t.deepEqual(read("x".repeat(4000), "x".repeat(4000), "\r\nhalted\r\n").at(-1)?.verdict, "halts");
  t.deepEqual(read("halted\rhalted\r\n").at(-1)?.verdict, "goes on");
});
