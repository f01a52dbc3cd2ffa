/** The time between create and start, in which a container's VMM is there already and its guest is not. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { sendPlan } from "../../native/channel.ts";
import { askMachine } from "../../native/control.ts";
import { childrenOf, vmmOf } from "../proc.ts";
import { type Bench, leftovers, makeBench, until } from "./harness.ts";

/** The process of a container's VMM, which init makes while create goes on. */
function vmmSoonOf(bench: Bench): number {
  until(() => childrenOf(bench.pid()).length > 0);
  return vmmOf(bench.pid());
}

const commandOf = (vmm: number): string => readFileSync(`/proc/${vmm}/cmdline`, "utf8");

/** Clock ticks of CPU time that it has used, by proc(5): 100 in a second. */
function ticks(vmm: number): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${vmm}/stat`, "utf8")
    .split(" ")
    .slice(13, 15)
    .map(Number);
  return user + system;
}

/** Waits until its board is made. */
async function settle(vmm: number): Promise<void> {
  for (let before = -1; before !== ticks(vmm) || !commandOf(vmm).includes("-qmp"); await Bun.sleep(500))
    before = ticks(vmm);
}

test.serial("the VMM rests, and knows nothing of what the program is told", async (t) => {
  using bench = makeBench(["echo", "a secret"]);
  t.is(bench.call("create").code, 0);
  const vmm = vmmSoonOf(bench);
  await settle(vmm);
  // One that had to wait for its turn may have some to do yet.
  let used = Number.POSITIVE_INFINITY;
  for (let round = 0; used > 1 && round < 10; round++) {
    const before = ticks(vmm);
    await Bun.sleep(1500);
    used = ticks(vmm) - before;
  }
  t.true(used <= 1, `${used} ticks`);
  t.notRegex(commandOf(vmm), /secret|echo/);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.wait(), 0);
  t.regex(bench.output(), /a secret/);
});

test.serial("a signal ends the container with its code, and no VMM is left", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  const vmm = vmmSoonOf(bench);
  t.is(bench.call("kill", bench.id, "TERM").code, 0);
  t.is(bench.wait(), 143);
  t.is(bench.call("delete", bench.id).code, 0);
  t.false(existsSync(`/proc/${vmm}`));
});

test.serial("a start with a directive that init does not know is refused, and the container ends", (t) => {
  for (const word of ["phasehalting", "argumnet", "small-pages"]) {
    using bench = makeBench(["http", "80"]);
    t.is(bench.call("create").code, 0);
    using starting = sendPlan(`${bench.root}/${bench.id}`, Buffer.from(`say\0hello\0${word}\0\0`), []);
    t.deepEqual(starting.outcome(), {
      error: `its init does not know the directive "${word}": create the container anew if unikrun was replaced meanwhile`,
    });
    t.is(bench.wait(), 1);
  }
});

test.serial("a VMM that has ended is told of by the start", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  process.kill(vmmSoonOf(bench), "SIGKILL");
  const { code, stderr } = bench.call("start", bench.id);
  t.is(code, 1);
  t.regex(stderr, /can't be started: the VMM was ended by signal 9 \(Killed\) before it ran/);
});

test.serial("a kernel that has changed is not started as another", (t) => {
  using bench = makeBench(["http", "80"]);
  t.is(bench.call("create").code, 0);
  const kernel = `${bench.bundle}/rootfs/probe.bin`;
  writeFileSync(kernel, readFileSync(kernel));
  const { code, stderr } = bench.call("start", bench.id);
  t.is(code, 1);
  t.regex(stderr, /its unikernel \/probe\.bin has changed since the container was created; create it anew/);
});

test.serial("a limit of memory that is changed before the start is that of its guest", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  bench.configure((config) => {
    config.linux.resources = { memory: { limit: 256 << 20 } };
  });
  t.is(bench.call("create").code, 0);
  const { code, stderr } = bench.call("update", "--memory", "41m", bench.id);
  t.is(code, 1);
  t.regex(stderr, /its memory limit of 41 MiB leaves 1 MiB to the guest/);
  t.is(bench.call("update", "--memory", "512m", bench.id).code, 0);
  t.is(bench.call("update", "--memory", "128m", bench.id).code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  const state = `${bench.root}/${bench.id}`;
  t.deepEqual(askMachine(state, { execute: "query-memory-size-summary" }), {
    "base-memory": 88 << 20,
    "plugged-memory": 0,
  });
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  t.is(bench.wait(), 137);
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});
