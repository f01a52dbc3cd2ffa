/** How init tells the answers of a VMM's monitor, fed to its own reader. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { compileInit } from "./init-parts.ts";

const folder = mkdtempSync(`${tmpdir()}/unikrun-monitor-`);
const monitor = `${folder}/monitor`;

test.before(() => {
  compileInit({
    program: monitor,
    source: `${import.meta.dirname}/monitor.c`,
    parts: ["guest/monitor", "trace", "directives", "fail", "io"],
    sanitized: true,
  });
});
test.after.always(() => rmSync(folder, { recursive: true }));

function run(...cmd: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(cmd, { stdio: ["ignore", "pipe", "pipe"] });
  if (exitCode !== 0) throw new Error(`${cmd[0]}: code ${exitCode}: ${stderr}`);
  return stdout.toString();
}

/** What is sent, the answer that is taken and the vCPU's state after each step behind the greeting. */
const steps = (...all: readonly string[]): string[] =>
  run(monitor, '{"QMP": {}}\r\n', '{"return": {}, "id": 1}\r\n', ...all)
    .trimEnd()
    .split("\n")
    .slice(2);

const STOP = 'ask {"execute":"stop"}';

test("the VMM is ready when it has answered what it was asked first, and not before", (t) => {
  const [greeted, ...rest] = run(
    monitor,
    '{"QMP": {}}\r\n',
    '{"return": {}}\r\n',
    '{"return": {}, "id": 9}\r\n',
    '{"return": {}, "id": 1}\r\n',
  )
    .trimEnd()
    .split("\n");
  t.is(greeted, '{"id":1,"execute":"qmp_capabilities"}||waits');
  t.deepEqual(rest, ["||waits", "||waits", "||ready"]);
});

test("an answer is that of the command whose id it has, wherever the id stands, in whatever pieces it comes", (t) => {
  t.deepEqual(
    steps(STOP, '{"return": {"x": 1}, "id": 2}\n', STOP, '{"id": 3, "error": {"desc"', ': "no"}}\n'),
    [
      '{"id":2,"execute":"stop"}||waits',
      '|{"return": {"x": 1}, "id": 2}|ready',
      '{"id":3,"execute":"stop"}||waits',
      "||waits",
      '|refused: {"id": 3, "error": {"desc": "no"}}|ready',
    ],
  );
});

test("a late answer of another command is not taken for this one's", (t) => {
  const late = [
    '{"return": {}, "id": 2}\n',
    '{"id": 2, "return": {}}\n',
    '{"error": {"desc": "no"}, "id": 2}\n',
    '{"id": 2, "error": {"desc": "no"}}\n',
    '{"return": {}, "id": 33}\n',
    '{"return": {}}\n',
  ];
  // The second is asked while nobody waits for the first any more.
  const found = steps(STOP, STOP, ...late, '{"return": {}, "id": 3}\n');
  t.deepEqual(
    found.slice(2, -1),
    late.map(() => "||waits"),
  );
  t.is(found.at(-1), '|{"return": {}, "id": 3}|ready');
});

test("an id within what is answered is not the answer's", (t) => {
  const others = [
    '{"return": [{"a": 1, "id": 2}], "id": 1}\n',
    '{"return": "\\", \\"id\\": 2}\\n", "id": 1}\n',
    '{"timestamp": {}, "event": "X", "data": {}, "id": 2}\n',
  ];
  t.deepEqual(
    steps(STOP, ...others).slice(1),
    others.map(() => "||waits"),
  );
});

test("a line that the VMM can't read is refused without an id", (t) => {
  t.is(
    steps("ask {}", '{"error": {"desc": "JSON parse error"}}\n').at(-1),
    '|refused: {"error": {"desc": "JSON parse error"}}|ready',
  );
});

test("a late answer does not halt a vCPU, and the look goes on with its own", (t) => {
  const HALTED = "RFL=00000002 HLT=1";
  t.deepEqual(
    steps(
      STOP,
      "look",
      '{"return": {}, "id": 2}\n',
      "look",
      `{"return": "${HALTED}", "id": 2}\n`,
      `{"return": "${HALTED}", "id": 3}\n`,
    ).map((line) => line.split("|").at(-1)),
    ["waits", "waits", "ready", "waits", "waits", "halted"],
  );
});
