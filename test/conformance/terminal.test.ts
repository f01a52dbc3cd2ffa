/** process.terminal: the guest's console is a terminal's, whose other end the engine gets. */
import { readFileSync } from "node:fs";
import test from "ava";
import { listenOn } from "./descriptor-socket.ts";
import { leftovers, makeBench } from "./harness.ts";

test.serial("a terminal that nobody reads holds up neither signals nor the machine's end", async (t) => {
  using bench = makeBench(["print", "1000000"]);
  bench.configure(({ process }) => Object.assign(process, { terminal: true }));
  const path = `${bench.folder}/console.sock`;
  using socket = listenOn(path);
  t.is(bench.call("create", "--console-socket", path).code, 0);
  using terminal = socket.receive();
  t.regex(terminal.word, /^\/dev\/pts\/\d+/);
  t.is(bench.call("start", bench.id).code, 0);
  // It has written more than the terminal takes.
  await Bun.sleep(1_000);
  t.is(bench.call("kill", bench.id, "TERM").code, 0);
  const hasEnded = (): boolean => /^State:\s+Z/m.test(readFileSync(`/proc/${bench.pid()}/status`, "utf8"));
  const deadline = performance.now() + 20_000;
  while (!hasEnded() && performance.now() < deadline) await Bun.sleep(50);
  t.true(hasEnded());
  t.is(bench.wait(), 143);
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});
