/** A unikernel whose container has a user namespace of its own, as Docker's userns-remap and Podman's --userns=auto make them. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import test from "ava";
import { type Bench, leftovers, makeBench, start } from "./harness.ts";
import { HOST_ROOT, remap } from "./remapped.ts";

/** In a user namespace of its own. */
function makeRemapped(args: readonly string[]): Bench {
  const bench = makeBench(args);
  remap(bench);
  return bench;
}

test.serial("it runs, with all its namespaces made in that, and returns its guest's code", (t) => {
  using bench = makeRemapped(["return", "7"]);
  start(t, bench);
  t.is(bench.wait(), 7);
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});

const statusOf = (pid: number | string): string => readFileSync(`/proc/${pid}/status`, "utf8");

const childrenOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");

test.serial("init and the VMM are in it, the VMM with a uid of its own there, and as tightly shut in", (t) => {
  using bench = makeRemapped(["cat"]);
  start(t, bench);
  const init = bench.pid();
  const [vmm = ""] = childrenOf(init);
  const users = readlinkSync(`/proc/${init}/ns/user`);
  t.not(users, readlinkSync("/proc/self/ns/user"));
  t.is(readFileSync(`/proc/${init}/uid_map`, "utf8").trim().split(/\s+/).join(" "), `0 ${HOST_ROOT} 65536`);
  for (const pid of [init, vmm]) {
    t.is(readlinkSync(`/proc/${pid}/ns/user`), users);
    t.regex(statusOf(pid), /^Seccomp:\t2$/m);
    t.regex(statusOf(pid), /^NoNewPrivs:\t1$/m);
    t.regex(statusOf(pid), /^Groups:\t ?$/m);
  }
  t.regex(statusOf(init), new RegExp(`^Uid:\\t${HOST_ROOT}\\t${HOST_ROOT}\\t${HOST_ROOT}\\t${HOST_ROOT}$`, "m"));
  t.regex(statusOf(init), /^CapPrm:\t0000000000000020$/m);
  const [, uid = ""] = /^Uid:\t(\d+)/m.exec(statusOf(vmm)) ?? [];
  t.true(Number(uid) > HOST_ROOT + 1000 && Number(uid) < HOST_ROOT + 65_534, uid);
  t.regex(statusOf(vmm), new RegExp(`^Gid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, "m"));
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
    t.regex(statusOf(vmm), new RegExp(`^${set}:\\t0{16}$`, "m"));
  const root = `/proc/${vmm}/root`;
  t.deepEqual(readdirSync(root).sort(), readdirSync(`/proc/${init}/root`).sort(), "init is in the cage, too");
  t.false(existsSync(`${root}/proc`));
  const nodes = readdirSync(`${root}/dev`).map((name) => statSync(`${root}/dev/${name}`));
  t.true(nodes.length > 0);
  for (const { mode, uid: owner, gid } of nodes)
    t.deepEqual([mode & 0o7777, owner, gid], [0o600, Number(uid), Number(uid)]);
  const mounts = readFileSync(`/proc/${vmm}/mountinfo`, "utf8").trim().split("\n");
  const writable = mounts.filter((line) => !line.split(" ")[5]?.split(",").includes("ro"));
  t.deepEqual(writable.map((line) => line.split(" ")[4]), ["/guest/memory"]);
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  bench.wait();
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});
