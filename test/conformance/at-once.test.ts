/** Calls about one container that come at the same time. */
import test from "ava";
import { type Bench, leftovers, makeBench, unikrun, until } from "./harness.ts";

interface Ending {
  readonly code: number;
  readonly stderr: string;
}

/** Both run at the same time. */
function callAtOnce(bench: Bench, ...calls: readonly (readonly string[])[]): Promise<Ending[]> {
  const running = calls.map(async (call): Promise<Ending> => {
    const cmd = [unikrun, "--root", bench.root, ...call];
    const child = Bun.spawn(cmd, {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    return { stderr: await new Response(child.stderr).text(), code: await child.exited };
  });
  return Promise.all(running);
}

test.serial(
  "of several starts at once one starts the guest, and the others say so and do nothing",
  async (t) => {
    for (let round = 0; round < 5; round++) {
      using bench = makeBench(["cat"]);
      t.is(bench.call("create").code, 0);
      const endings = await callAtOnce(bench, ...Array.from({ length: 4 }, () => ["start", bench.id]));
      const failed = endings.filter(({ code }) => code !== 0);
      t.is(failed.length, 3, JSON.stringify(endings));
      for (const { stderr } of failed)
        t.regex(stderr, /can't be started: (another call is changing it|it is already running)[^\n]*\n$/);
      t.is(JSON.parse(bench.call("state", bench.id).stdout).status, "running");
      bench.call("kill", bench.id, "KILL");
      bench.wait();
      t.is(bench.call("delete", bench.id).code, 0);
      t.deepEqual(leftovers(bench), []);
    }
  },
);

test.serial("an exec at the same time as a pause is done, or refused, and never stands still", async (t) => {
  using bench = makeBench(["cat"]);
  for (const call of [["create"], ["start", bench.id]]) t.is(bench.call(...call).code, 0);
  for (let round = 0; round < 10; round++) {
    const ask = ["exec", bench.id, "unikrun", "status"];
    const endings = callAtOnce(bench, ask, ["pause", bench.id], ask);
    // What joined before the pause goes on with the container.
    until(() => JSON.parse(bench.call("state", bench.id).stdout).status === "paused");
    t.is(bench.call("resume", bench.id).code, 0);
    const [first, pause, second] = await endings;
    t.is(pause?.code, 0, pause?.stderr);
    for (const ending of [first, second])
      if (ending?.code !== 0) t.regex(ending?.stderr ?? "", /is paused, so nothing can be executed in it/);
  }
});
