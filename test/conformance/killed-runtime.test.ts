import { existsSync, readFileSync } from "node:fs";
import test from "ava";
import { O_RDONLY, openPath, owned } from "../../native/libc.ts";
import { tryLock } from "../../native/lock.ts";
import { makeNetns, run } from "../network/netns.ts";
import { vmmOf } from "../proc.ts";
import { leftovers, makeBench, placeInNetwork, unikrun, until } from "./harness.ts";
import { remap } from "./remapped.ts";

const CYCLES = Number(process.env.UNIKRUN_CYCLES ?? 40);

/** Milliseconds; beyond what any call takes. */
const LONGEST = 60;

test.serial(
  `a runtime, an init or a VMM that is killed at any moment leaves nothing that delete --force does not remove (${CYCLES} times)`,
  (t) => {
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      using bench = makeBench(["http", "80"]);
      const victim = (["create", "start", "init", "vmm"] as const)[cycle % 4] ?? "create";
      if (victim === "create") {
        killAtRandom(bench.root, ["create", "--bundle", bench.bundle, bench.id], bench.folder);
      } else {
        t.is(bench.call("create").code, 0);
        const pid = bench.pid();
        if (victim === "start") killAtRandom(bench.root, ["start", bench.id], bench.folder);
        else t.is(bench.call("start", bench.id).code, 0);
        Bun.sleepSync(Math.random() * LONGEST);
        if (victim === "init") process.kill(pid, "SIGKILL");
        if (victim === "vmm") {
          process.kill(vmmOf(pid), "SIGKILL");
          t.is(bench.wait(), 137);
        }
      }
      const deleted = bench.call("delete", "--force", bench.id);
      t.is(deleted.code, 0, `${victim}: ${deleted.stderr}`);
      t.deepEqual(leftovers(bench), [], `cycle ${cycle}, ${victim} killed`);
    }
  },
);

for (const kind of ["plain", "remapped"] as const)
  test.serial(`a start that was killed once init had its plan has started it: ${kind}`, async (t) => {
    using bench = makeBench(["cat"]);
    if (kind === "remapped") remap(bench);
    t.is(bench.call("create").code, 0);
    process.kill(bench.pid(), "SIGSTOP");
    const child = Bun.spawn([unikrun, "--root", bench.root, "start", bench.id], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    until(() => isWaiting(child.pid));
    child.kill("SIGKILL");
    await child.exited;
    process.kill(bench.pid(), "SIGCONT");
    until(() => bench.output().includes("main()"));
    const status = (): string => JSON.parse(bench.call("state", bench.id).stdout).status;
    until(() => status() === "running");
    t.is(bench.call("start", bench.id).code, 1);
    t.is(status(), "running");
  });

test.serial(
  "of a start that was killed between an ingress and its filter nothing is left in a given namespace",
  async (t) => {
    using netns = makeNetns();
    const name = netns.path.replace(/^.*\//, "");
    const ingress = (): string => run(`tc -n ${name} qdisc show dev eth0 ingress`);
    using bench = makeBench(["http", "80"]);
    placeInNetwork(bench, netns.path);
    t.is(bench.call("create").code, 0);
    {
      // Whoever changes the namespace holds it: so the start gets no further.
      using held = owned(openPath(netns.path, O_RDONLY));
      t.true(tryLock(held.fd));
      const child = Bun.spawn([unikrun, "--root", bench.root, "start", bench.id], {
        stdio: ["ignore", "ignore", "ignore"],
      });
      while (!existsSync(`${bench.root}/${bench.id}/wiring`)) await Bun.sleep(5);
      child.kill("SIGKILL");
      await child.exited;
      run(`tc -n ${name} qdisc add dev eth0 ingress`);
    }
    t.is(bench.call("delete", "--force", bench.id).code, 0);
    t.is(ingress(), "");
    // One that no start of ours can have made stays.
    run(`tc -n ${name} qdisc add dev eth0 ingress`);
    t.is(bench.call("create").code, 0);
    t.is(bench.call("delete", "--force", bench.id).code, 0);
    t.regex(ingress(), /qdisc ingress/);
  },
);

/** recv(2), by which it waits for init's answer alone. */
const isWaiting = (pid: number): boolean => readFileSync(`/proc/${pid}/syscall`, "utf8").startsWith("45 ");

function killAtRandom(root: string, args: readonly string[], folder: string): void {
  const child = Bun.spawn([unikrun, "--root", root, ...args], {
    stdin: "ignore",
    stdout: Bun.file(`${folder}/out`),
    stderr: Bun.file(`${folder}/err`),
  });
  Bun.sleepSync(Math.random() * LONGEST);
  child.kill("SIGKILL");
}
