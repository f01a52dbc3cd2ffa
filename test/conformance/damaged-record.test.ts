/** Containers whose record was damaged, by a full disk or a crash of the host. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import test from "ava";
import { makeNetns, run } from "../network/netns.ts";
import { type Bench, leftovers, makeBench, placeInNetwork } from "./harness.ts";

const recordOf = (bench: Bench): string => `${bench.root}/${bench.id}/unikrun.json`;

const DAMAGES: readonly { readonly name: string; damage(file: string): void }[] = [
  { name: "empty", damage: (file) => truncateSync(file, 0) },
  { name: "cut", damage: (file) => truncateSync(file, 100) },
  { name: "null", damage: (file) => writeFileSync(file, "null") },
  { name: "of an empty object", damage: (file) => writeFileSync(file, "{}") },
  {
    name: "another container's",
    damage: (file) => writeFileSync(file, readFileSync(file, "utf8").replace(/"id":"[^"]+"/, '"id":"other"')),
  },
  {
    name: "a folder",
    damage(file) {
      rmSync(file);
      mkdirSync(`${file}/below`, { recursive: true });
    },
  },
  {
    name: "a pipe",
    damage(file) {
      rmSync(file);
      execFileSync("mkfifo", [file]);
    },
  },
];

const isAlive = (pid: number): boolean => /^State:\s+[^ZX]/m.test(readStatus(pid));

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

for (const { name, damage } of DAMAGES)
  for (const brief of [true, false])
    test.serial(
      `a container whose record is ${name}, ${brief ? "with" : "without"} its brief, is ended and removed by delete --force`,
      (t) => {
        using bench = makeBench(["cat"]);
        for (const call of [["create"], ["start", bench.id]]) t.is(bench.call(...call).code, 0);
        const init = bench.pid();
        damage(recordOf(bench));
        if (!brief) rmSync(`${bench.root}/${bench.id}/brief`);

        const update = bench.call("update", "--pids-limit", "100", bench.id);
        t.is(update.code, 1);
        t.regex(
          update.stderr,
          /The record of container \S+ in \S+ can't be read: remove it with delete --force/,
        );
        t.true(isAlive(init));

        const { code, stderr } = bench.call("delete", "--force", bench.id);
        t.is(code, 0, stderr);
        t.false(isAlive(init));
        t.deepEqual(leftovers(bench), []);
      },
    );

test.serial("a paused and a created container are ended, too", (t) => {
  for (const calls of [["create"], ["create", "start", "pause"]]) {
    using bench = makeBench(["cat"]);
    for (const call of calls) t.is(bench.call(...(call === "create" ? [call] : [call, bench.id])).code, 0);
    const init = bench.pid();
    truncateSync(recordOf(bench), 0);
    rmSync(`${bench.root}/${bench.id}/brief`);
    const { code, stderr } = bench.call("delete", "--force", bench.id);
    t.is(code, 0, stderr);
    t.false(isAlive(init));
    t.deepEqual(leftovers(bench), []);
  }
});

test.serial(
  "in a network namespace that stays, what is the machine's own goes, and an ingress of others stays",
  (t) => {
    using netns = makeNetns();
    const name = netns.path.replace(/^.*\//, "");
    const ingress = (link: string): string => run(`tc -n ${name} qdisc show dev ${link} ingress`);
    const addIngress = (link: string): string => run(`tc -n ${name} qdisc add dev ${link} ingress`);
    const removeDamaged = (bench: Bench): void => {
      truncateSync(recordOf(bench), 0);
      rmSync(`${bench.root}/${bench.id}/brief`);
      const { code, stderr } = bench.call("delete", "--force", bench.id);
      t.is(code, 0, stderr);
    };
    {
      using bench = makeBench(["cat"]);
      placeInNetwork(bench, netns.path);
      for (const call of [["create"], ["start", bench.id]]) t.is(bench.call(...call).code, 0);
      t.regex(ingress("eth0"), /qdisc ingress/);
      run(`ip -n ${name} link add eth1 type veth peer name peer1`);
      addIngress("eth1");
      removeDamaged(bench);
      t.is(ingress("eth0"), "");
      t.regex(ingress("eth1"), /qdisc ingress/);
    }
    {
      using bench = makeBench(["cat"]);
      placeInNetwork(bench, netns.path);
      t.is(bench.call("create").code, 0);
      addIngress("eth0");
      removeDamaged(bench);
      t.regex(ingress("eth0"), /qdisc ingress/);
    }
  },
);

test.serial("list shows the others, and names the damaged one", (t) => {
  using bench = makeBench(["cat"]);
  t.is(bench.call("create").code, 0);
  mkdirSync(`${bench.root}/damaged`);
  writeFileSync(`${bench.root}/damaged/unikrun.json`, "{");
  const { code, stdout, log } = bench.call("list", "--format", "json");
  t.is(code, 0);
  const ids = (JSON.parse(stdout) as readonly { readonly id: string }[]).map(({ id }) => id);
  t.true(ids.includes(bench.id));
  t.false(ids.includes("damaged"));
  t.regex(
    log.at(-1)?.msg ?? "",
    /The record of container damaged .* can't be read: remove it with delete --force damaged/,
  );
});
