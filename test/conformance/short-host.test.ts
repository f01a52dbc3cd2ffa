/** Hosts on which something is short, and machines that hang: what is said is a sentence, and nothing is left. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { run } from "../network/netns.ts";
import { vmmOf } from "../proc.ts";
import { type Bench, leftovers, makeBench, unikrun } from "./harness.ts";

/** A file system of its own for the state of a bench's containers. */
function mountState(t: ExecutionContext, bench: Bench, options: string): void {
  mkdirSync(bench.root, { recursive: true });
  run(`mount -t tmpfs -o ${options} none ${bench.root}`);
  t.teardown(() => existsSync(bench.root) && run(`umount ${bench.root}`));
}

const isSentence = (t: ExecutionContext, stderr: string): void => {
  t.notRegex(stderr, /unexpectedly|\$bunfs|\bat \S+:\d+/);
  t.regex(stderr, /^unikrun: error: [^\n]+[.?]\n$/);
};

for (const [what, options, says] of [
  ["full", "size=4k,nr_inodes=2", /No space left on device.*make room/],
  ["read-only", "ro", /Read-only file system.*have that file system writable/],
] as const)
  test.serial(`a ${what} state folder is said in a sentence`, (t) => {
    const bench = makeBench(["return", "0"]);
    mountState(t, bench, options);
    const { code, stderr } = bench.call("create");
    t.is(code, 1);
    isSentence(t, stderr);
    t.regex(stderr, says);
    run(`umount ${bench.root}`);
    t.deepEqual(leftovers(bench), []);
    bench[Symbol.dispose]();
  });

test.serial("too few open files are said in a sentence, whatever their number", (t) => {
  for (let limit = 6; limit < 14; limit++) {
    using bench = makeBench(["return", "0"]);
    const words = ["--root", bench.root, "create", "--bundle", bench.bundle, bench.id];
    // A file, since the container keeps what create has.
    const errors = `${bench.folder}/limited`;
    const cmd = ["sh", "-c", `ulimit -n ${limit}; exec "$@"`, "sh", unikrun, ...words];
    const { exitCode } = Bun.spawnSync(cmd, { stdio: ["ignore", "ignore", Bun.file(errors)] });
    if (exitCode !== 0) isSentence(t, readFileSync(errors, "utf8"));
    bench.call("delete", "--force", bench.id);
    t.deepEqual(leftovers(bench), [], `${limit}`);
  }
});

test.serial("a VMM that hangs is said in a sentence, and is removed all the same", (t) => {
  t.timeout(60_000);
  using bench = makeBench(["cat"]);
  for (const call of [["create"], ["start", bench.id]]) t.is(bench.call(...call).code, 0);
  const vmm = vmmOf(bench.pid());
  process.kill(vmm, "SIGSTOP");
  const { code, stderr } = bench.call("pause", bench.id);
  t.is(code, 1);
  isSentence(t, stderr);
  t.regex(stderr, /has not answered for 10 s/);
  t.is(bench.call("delete", "--force", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});

test.serial("a call that is stopped and goes on, as by Ctrl-Z, fails by nothing", async (t) => {
  using bench = makeBench(["cat"]);
  for (const call of [["create"], ["start", bench.id]]) t.is(bench.call(...call).code, 0);
  const vmm = vmmOf(bench.pid());
  // It waits for the VMM's answer meanwhile.
  process.kill(vmm, "SIGSTOP");
  const pause = Bun.spawn([unikrun, "--root", bench.root, "pause", bench.id], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  for (let times = 0; times < 3; times++) {
    await Bun.sleep(200);
    pause.kill("SIGSTOP");
    await Bun.sleep(50);
    pause.kill("SIGCONT");
  }
  process.kill(vmm, "SIGCONT");
  t.is(await pause.exited, 0, await new Response(pause.stderr).text());
  t.is(JSON.parse(bench.call("state", bench.id).stdout).status, "paused");
});
