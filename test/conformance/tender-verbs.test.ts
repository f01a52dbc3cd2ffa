/** What the verbs do with a guest that a tender runs, which has no monitor to be asked by. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { leftovers, start, until } from "./harness.ts";
import { refusal, type TenderBench, tenderBench, tenderHost } from "./tender-harness.ts";

const SECRET = "open-sesame-4712";

async function serving(t: ExecutionContext, ...args: readonly string[]): Promise<TenderBench> {
  const bench = tenderBench(t, await tenderHost(t), { args: ["serve", ...args] });
  start(t, bench);
  until(() => bench.output().includes("command line: serve"));
  return bench;
}

const status = (bench: TenderBench): string => JSON.parse(bench.call("state", bench.id).stdout).status;

const lastWords = (bench: TenderBench, ...call: string[]): string => `${bench.call(...call).log.at(-1)?.msg}`;

/** What everybody may read of every process but this one. */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        return [readFileSync(`/proc/${name}/cmdline`, "utf8")];
      } catch {
        return [];
      }
    });
}

for (const target of ["spt", "hvt"] as const)
  test.serial(`its arguments arrive, and no command line or log has them: ${target}`, async (t) => {
    const long = "x".repeat(5000);
    const bench = tenderBench(t, await tenderHost(t), { args: ["serve", SECRET, "two words", long], target });
    for (const call of [["create"], ["--debug", "start", bench.id]]) {
      const { code, log } = bench.call(...call);
      t.is(code, 0, log.at(-1)?.msg);
      t.false(log.some(({ msg }) => msg.includes(SECRET)));
    }
    until(() => bench.output().includes(`command line: serve ${SECRET} "two words" ${long}\n`));
    const shown = commandLines();
    t.true(shown.some((text) => text.startsWith("/tender\0--mem=64\0--\0/guest/kernel\0")));
    t.false(shown.some((text) => text.includes(SECRET)));
  });

for (const [signal, code] of [
  ["TERM", 143],
  ["KILL", 137],
  ["INT", 130],
] as const)
  test.serial(`SIG${signal} ends it with ${code}`, async (t) => {
    const bench = await serving(t);
    t.is(bench.call("kill", bench.id, signal).code, 0);
    t.is(bench.wait(), code);
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  });

test.serial("it is paused and goes on", async (t) => {
  const bench = await serving(t);
  t.is(bench.call("pause", bench.id).code, 0);
  t.is(status(bench), "paused");
  t.is(bench.call("resume", bench.id).code, 0);
  t.is(status(bench), "running");
  t.is(bench.call("kill", bench.id, "TERM").code, 0);
  t.is(bench.wait(), 143);
});

test.serial("it can't be saved, and stays as it was", async (t) => {
  const bench = await serving(t);
  t.regex(
    lastWords(bench, "checkpoint", "--image-path", `${bench.folder}/image`, bench.id),
    /can't be saved: its guest is run by .*tender, and only QEMU can save one/,
  );
  t.is(status(bench), "running");
});

test.serial(
  "its limit can't become less than its guest may take, and what it may take is told",
  async (t) => {
    const bench = await serving(t);
    t.regex(
      lastWords(bench, "update", "--memory", "32m", bench.id),
      /take up to 83886080, and a running guest can't give any back/,
    );
    t.is(bench.call("update", "--memory", "100m", "--pids-limit", "50", bench.id).code, 0);
    t.is(bench.call("exec", bench.id, "unikrun", "stats").code, 0);
    const events = JSON.parse(bench.call("events", "--stats", bench.id).stdout);
    t.is(events.data.memory.usage.limit, 100 * 2 ** 20);
  },
);

test.serial("its memory is what the container's limit leaves, before its start as well", async (t) => {
  const bench = tenderBench(t, await tenderHost(t), { args: ["exit", "0"] });
  bench.configure(({ linux }) => Object.assign(linux.resources, { memory: { limit: 40 << 20 } }));
  t.is(bench.call("create").code, 0);
  t.is(bench.call("update", "--memory", "30m", bench.id).code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.wait(), 0);
  t.regex(bench.output(), /^memory 14$/m);
});

test.serial("a limit that is too small, and a warm start, are refused in its words", async (t) => {
  const host = await tenderHost(t);
  const small = tenderBench(t, host);
  small.configure(({ linux }) => Object.assign(linux.resources, { memory: { limit: 17 << 20 } }));
  t.regex(refusal(small), /leaves 1 MiB to the guest, after 16 MiB for its tender/);
  const warm = tenderBench(t, host);
  writeFileSync(`${warm.rootfs}/unikrun.json`, '{"warm": 80}');
  t.regex(refusal(warm), /can't be kept for warm starts, since its tender can't save it: take "warm" out/);
});
