/** A unikernel whose container has a user namespace of its own, as Docker's userns-remap and Podman's --userns=auto make them. */
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import test, { type ExecutionContext } from "ava";
import { vmmOf } from "../proc.ts";
import { isRow } from "../troubleshooting.ts";
import { type Bench, leftovers, makeBench, placeInNetwork, start, typeLine, until } from "./harness.ts";
import { HOST_ROOT, MAPPINGS, remap } from "./remapped.ts";
import { refusal, tenderBench, tenderHost } from "./tender-harness.ts";

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

test.serial(
  "init and the VMM are in it, the VMM with a uid of its own there, and as tightly shut in",
  (t) => {
    using bench = makeRemapped(["cat"]);
    start(t, bench);
    const init = bench.pid();
    const vmm = vmmOf(init);
    const users = readlinkSync(`/proc/${init}/ns/user`);
    t.not(users, readlinkSync("/proc/self/ns/user"));
    t.is(readFileSync(`/proc/${init}/uid_map`, "utf8").trim().split(/\s+/).join(" "), `0 ${HOST_ROOT} 65536`);
    for (const pid of [init, vmm]) {
      t.is(readlinkSync(`/proc/${pid}/ns/user`), users);
      t.regex(statusOf(pid), /^Seccomp:\t2$/m);
      t.regex(statusOf(pid), /^NoNewPrivs:\t1$/m);
      t.regex(statusOf(pid), /^Groups:\t ?$/m);
    }
    t.regex(
      statusOf(init),
      new RegExp(`^Uid:\\t${HOST_ROOT}\\t${HOST_ROOT}\\t${HOST_ROOT}\\t${HOST_ROOT}$`, "m"),
    );
    t.regex(statusOf(init), /^CapPrm:\t0000000000000020$/m);
    const [, uid = ""] = /^Uid:\t(\d+)/m.exec(statusOf(vmm)) ?? [];
    t.true(Number(uid) > HOST_ROOT + 1000 && Number(uid) < HOST_ROOT + 65_534, uid);
    t.regex(statusOf(vmm), new RegExp(`^Gid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, "m"));
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      t.regex(statusOf(vmm), new RegExp(`^${set}:\\t0{16}$`, "m"));
    const root = `/proc/${vmm}/root`;
    t.deepEqual(
      readdirSync(root).sort(),
      readdirSync(`/proc/${init}/root`).sort(),
      "init is in the cage, too",
    );
    t.false(existsSync(`${root}/proc`));
    const nodes = readdirSync(`${root}/dev`).map((name) => statSync(`${root}/dev/${name}`));
    t.true(nodes.length > 0);
    for (const { mode, uid: owner, gid } of nodes)
      t.deepEqual([mode & 0o7777, owner, gid], [0o600, Number(uid), Number(uid)]);
    const mounts = readFileSync(`/proc/${vmm}/mountinfo`, "utf8").trim().split("\n");
    const writable = mounts.filter((line) => !line.split(" ")[5]?.split(",").includes("ro"));
    t.deepEqual(
      writable.map((line) => line.split(" ")[4]),
      ["/guest/memory"],
    );
    t.is(bench.call("kill", bench.id, "KILL").code, 0);
    bench.wait();
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  },
);

/** A process that has made a user namespace, and a network namespace in it, as a pod's pause container has. */
function makeNamespaces(t: ExecutionContext): { users: string; network: string } {
  const holder = Bun.spawn(["unshare", "--user", "--net", "sleep", "100"]);
  t.teardown(() => holder.kill("SIGKILL"));
  const of = (kind: string): string => `/proc/${holder.pid}/ns/${kind}`;
  until(() =>
    ["user", "net"].every((kind) => readlinkSync(of(kind)) !== readlinkSync(`/proc/self/ns/${kind}`)),
  );
  for (const map of ["uid_map", "gid_map"])
    writeFileSync(`/proc/${holder.pid}/${map}`, `0 ${HOST_ROOT} 65536\n`);
  return { users: of("user"), network: of("net") };
}

test.serial("one that is given by path is joined, and so is a network that is of it", (t) => {
  const { users, network } = makeNamespaces(t);
  using bench = makeRemapped(["return", "3"]);
  placeInNetwork(bench, network);
  bench.configure(({ linux }) => {
    linux.namespaces = linux.namespaces.map((each) =>
      each.type === "user" ? { ...each, path: users } : each,
    );
  });
  start(t, bench);
  t.is(readlinkSync(`/proc/${bench.pid()}/ns/user`), readlinkSync(users));
  t.is(bench.wait(), 3);
  bench.configure(({ linux }) =>
    Object.assign(linux, { uidMappings: [{ containerID: 0, hostID: 5, size: 9 }] }),
  );
  t.is(bench.call("delete", bench.id).code, 0);
  const { code, log } = bench.call("create");
  t.is(code, 1);
  t.regex(
    log.at(-1)?.msg ?? "",
    /are not those of the user namespace .* that it is to join: leave them out\.$/,
  );
  t.deepEqual(leftovers(bench), []);
});

for (const [what, change, words] of [
  ["mappings without a user namespace", { namespaces: [] }, /linux\.namespaces has none/],
  ["a user namespace without mappings", { uidMappings: [] }, /uidMappings .*maps nobody/],
  [
    "no root",
    { gidMappings: [{ containerID: 1, hostID: 1000, size: 9 }] },
    /gidMappings .*does not map the container's root/,
  ],
  [
    "an id twice",
    { uidMappings: [...MAPPINGS, { containerID: 9, hostID: 1, size: 1 }] },
    /maps an id of the container twice/,
  ],
  [
    "two ids to one",
    { uidMappings: [...MAPPINGS, { containerID: 70_000, hostID: HOST_ROOT, size: 1 }] },
    /to the same one of the host/,
  ],
  ["nothing", { uidMappings: [{ containerID: 0, hostID: 0, size: 0 }] }, /an entry of the size 0/],
] as const) {
  test.serial(`${what}: refused in one sentence, with nothing left`, (t) => {
    using bench = makeRemapped(["return", "0"]);
    bench.configure(({ linux }) => Object.assign(linux, change));
    const { code, log } = bench.call("create");
    t.is(code, 1);
    t.regex(log.at(-1)?.msg ?? "", words);
    t.deepEqual(leftovers(bench), []);
  });
}

test.serial("a tender runs in one, too", async (t) => {
  const host = await tenderHost(t);
  chmodSync(host.folder, 0o755);
  const bench = tenderBench(t, host, { args: ["exit", "7"] });
  remap(bench);
  start(t, bench);
  t.is(bench.wait(), 7);
});

test.serial("a program in a folder that the namespace's root can't search is told", async (t) => {
  const host = await tenderHost(t);
  chmodSync(host.folder, 0o700);
  const bench = tenderBench(t, host);
  remap(bench);
  isRow(t, "could not find …: Permission denied", refusal(bench));
});

test.serial("hooks in the container's namespaces are its root", (t) => {
  using bench = makeRemapped(["return", "0"]);
  const script = `${bench.folder}/hook`;
  writeFileSync(script, `#!/bin/sh\necho "$(readlink /proc/self/ns/user) $(id -u)" >${bench.folder}/told\n`);
  chmodSync(script, 0o755);
  writeFileSync(`${bench.folder}/told`, "");
  chownSync(`${bench.folder}/told`, HOST_ROOT, HOST_ROOT);
  bench.configure((config) =>
    Object.assign(config, { hooks: { createContainer: [{ path: script, env: ["PATH=/bin:/usr/bin"] }] } }),
  );
  t.is(bench.call("create").code, 0);
  const users = readlinkSync(`/proc/${bench.pid()}/ns/user`);
  t.is(readFileSync(`${bench.folder}/told`, "utf8"), `${users} 0\n`);
});

test.serial("a guest is paused, saved, and goes on in a new container", (t) => {
  using bench = makeRemapped(["cat"]);
  start(t, bench);
  until(() => bench.output().includes("main()"));
  for (const verb of ["pause", "resume"]) t.is(bench.call(verb, bench.id).code, 0);
  const image = `${bench.folder}/image`;
  t.is(bench.call("checkpoint", "--image-path", image, bench.id).code, 0);
  t.is(bench.wait(), 137);
  t.is(bench.call("delete", bench.id).code, 0);
  const files = ["--bundle", bench.bundle, "--pid-file", `${bench.folder}/pid`];
  const restored = bench.call("restore", "--detach", "--image-path", image, ...files, bench.id);
  t.is(restored.code, 0, restored.stderr);
  until(() => /^still here\r?$/m.test(typeLine(bench, "still here")));
  typeLine(bench, "quit");
  t.is(bench.wait(), 0);
});

test.serial("no two machines with the same map share a uid, as long as there are enough", (t) => {
  using stack = new DisposableStack();
  // A quarter of those beside root's is for VMMs.
  const mapping = [{ containerID: 0, hostID: HOST_ROOT, size: 17 }];
  const uids = Array.from({ length: 5 }, () => {
    const bench = stack.use(makeRemapped(["cat"]));
    bench.configure(({ linux }) => Object.assign(linux, { uidMappings: mapping, gidMappings: mapping }));
    start(t, bench);
    const vmm = vmmOf(bench.pid());
    return Number(/^Uid:\t(\d+)/m.exec(statusOf(vmm))?.[1]) - HOST_ROOT;
  });
  t.is(new Set(uids.slice(0, 4)).size, 4, uids.join());
  t.true(
    uids.every((uid) => uid > 0 && uid < 17),
    uids.join(),
  );
});
