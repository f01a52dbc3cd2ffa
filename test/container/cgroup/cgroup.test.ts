import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { type Cgroup, createCgroup, openCgroup } from "../../../runtime/container/cgroup/cgroup.ts";
import { type Hierarchy, mountedHierarchies } from "../../../runtime/container/cgroup/hierarchy.ts";
import { readIfThere } from "../../proc.ts";

const TOP = `/unikrun-test-${process.pid}`;
const MIB = 1024 * 1024;

const all = hierarchies();
const legacy = all.filter(({ version }) => version === 1);
const unified = all.filter(({ version }) => version === 2);

function hierarchies(): readonly Hierarchy[] {
  try {
    return mountedHierarchies();
  } catch {
    return [];
  }
}

/** Where there are no cgroups of that version to be made, the test is skipped, and says so. */
const on = (usable: readonly Hierarchy[]) =>
  process.getuid?.() === 0 && usable.length > 0 ? test : test.skip;

test.after.always(() => {
  openCgroup(
    Object.fromEntries(all.map(({ controllers, mountpoint }) => [controllers.join(), mountpoint + TOP])),
  ).destroy();
});

function sleeper(t: ExecutionContext, ...cgroups: Cgroup[]): { pid: number; isAlive(): boolean } {
  const child = spawn("sleep", ["60"]);
  t.teardown(() => child.kill("SIGKILL"));
  const pid = child.pid ?? -1;
  for (const file of cgroups.flatMap(({ procsFiles }) => procsFiles)) writeFileSync(file, String(pid));
  return { pid, isAlive: () => /\) [^ZX] /.test(readIfThere(`/proc/${pid}/stat`)) };
}

async function ended({ isAlive }: { isAlive(): boolean }): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (; isAlive(); await pause(10)) if (performance.now() > deadline) throw new Error("it still runs");
}

const readValue = (cgroup: Cgroup, controller: string, file: string): string =>
  readFileSync(`${cgroup.folderOf(controller)}/${file}`, "utf8").trim();

on(legacy)(
  "version 1: a cgroup is made in every hierarchy, with its limits, and can be entered at once",
  (t) => {
    const cgroup = createCgroup({
      path: `${TOP}/deep/limits`,
      resources: {
        memory: { limit: 64 * MIB },
        cpu: { shares: 512, quota: 50000, period: 50000 },
        pids: { limit: 9 },
      },
    });
    t.is(Object.keys(cgroup.paths).length, all.length);
    for (const folder of Object.values(cgroup.paths)) t.true(existsSync(folder), folder);
    t.is(readValue(cgroup, "memory", "memory.limit_in_bytes"), String(64 * MIB));
    t.is(readValue(cgroup, "cpu", "cpu.shares"), "512");
    t.is(readValue(cgroup, "cpu", "cpu.cfs_quota_us"), "50000");
    t.is(readValue(cgroup, "pids", "pids.max"), "9");
    t.not(
      readValue(cgroup, "cpuset", "cpuset.cpus"),
      "",
      "new cpusets are empty, and no process can enter one",
    );
    const { pid } = sleeper(t, cgroup);
    t.deepEqual(cgroup.pids(), [pid]);
    cgroup.destroy();
  },
);

on(legacy)("version 1: a cpuset is the given one, the rest is as above it", (t) => {
  const cgroup = createCgroup({ path: `${TOP}/cpuset`, resources: { cpu: { cpus: "0" } } });
  t.is(readValue(cgroup, "cpuset", "cpuset.cpus"), "0");
  t.not(readValue(cgroup, "cpuset", "cpuset.mems"), "");
  cgroup.destroy();
});

on(legacy)("version 1: limits can be changed in any order that the kernel needs", (t) => {
  const cgroup = createCgroup({
    path: `${TOP}/change`,
    resources: { memory: { limit: 32 * MIB, swap: 32 * MIB } },
  });
  if (!existsSync(`${cgroup.folderOf("memory")}/memory.memsw.limit_in_bytes`)) return t.pass();
  cgroup.limit({ memory: { limit: 64 * MIB, swap: 96 * MIB } });
  t.is(readValue(cgroup, "memory", "memory.limit_in_bytes"), String(64 * MIB));
  t.is(readValue(cgroup, "memory", "memory.memsw.limit_in_bytes"), String(96 * MIB));
  cgroup.limit({ memory: { limit: 16 * MIB, swap: 16 * MIB } });
  t.is(readValue(cgroup, "memory", "memory.memsw.limit_in_bytes"), String(16 * MIB));
  return cgroup.destroy();
});

on(legacy)("a limit that the kernel refuses leaves nothing behind, not even the folders above", (t) => {
  const path = `${TOP}/refused/inner`;
  t.throws(() => createCgroup({ path, resources: { memory: { limit: MIB }, cpu: { cpus: "4000" } } }), {
    message: /cpuset\.cpus can't be set to 4000 in the cgroup .*refused\/inner: the kernel refuses it/,
  });
  t.throws(() => createCgroup({ path, resources: { unified: { "memory.high": "1" } } }), {
    message: /version 1/,
  });
  t.throws(() => createCgroup({ path, resources: { rdma: { mlx5_1: { hcaHandles: 1 } } } }), {
    message: /does not offer that \(controller rdma\)/,
  });
  for (const { mountpoint } of all) t.false(existsSync(`${mountpoint}${TOP}/refused`), mountpoint);
});

on(all)("a cgroup that holds a process is refused, and an empty one is taken over", (t) => {
  const path = `${TOP}/used`;
  const first = createCgroup({ path, resources: {} });
  const { pid } = sleeper(t, first);
  t.throws(() => createCgroup({ path, resources: {} }), {
    message: new RegExp(`${path} is not empty \\(process ${pid} is in it\\)`),
  });
  t.deepEqual(first.pids(), [pid], "and is not touched");
  first.kill(9);
  for (let looks = 0; first.pids().length > 0 && looks < 5000; looks++) Bun.sleepSync(1);
  t.deepEqual(createCgroup({ path, resources: {} }).paths, first.paths);
  first.destroy();
});

on(all)("a cgroup that is frozen is refused", (t) => {
  const path = `${TOP}/cold`;
  const first = createCgroup({ path, resources: {} });
  first.freeze();
  t.true(first.isFrozen());
  t.throws(() => createCgroup({ path, resources: {} }), { message: /is frozen/ });
  first.destroy();
});

for (const [name, usable] of [
  ["all hierarchies", all],
  ["version 1 alone", legacy],
  ["version 2 alone", unified],
] as const) {
  on(usable)(
    `${name}: destroy kills processes in it, below it and frozen ones, and is idempotent`,
    async (t) => {
      const path = `${TOP}/doomed-${name.replaceAll(" ", "-")}`;
      const cgroup = createCgroup({ path, resources: {}, hierarchies: usable });
      const inner = createCgroup({ path: `${path}/inner/most`, resources: {}, hierarchies: usable });
      const [a, b] = [sleeper(t, inner), sleeper(t, inner)];
      t.deepEqual(cgroup.pids().sort(), [a.pid, b.pid].sort());
      inner.freeze();
      cgroup.freeze();
      const reopened = openCgroup(JSON.parse(JSON.stringify(cgroup.paths)));
      reopened.destroy();
      for (const folder of Object.values(cgroup.paths)) t.false(existsSync(folder), folder);
      await ended(a);
      await ended(b);
      t.notThrows(() => reopened.destroy());
      t.deepEqual(reopened.pids(), []);
    },
  );

  on(usable)(
    `${name}: a signal reaches every process, and a frozen cgroup stands still until it is thawed`,
    async (t) => {
      const cgroup = createCgroup({
        path: `${TOP}/signal-${name.replaceAll(" ", "-")}`,
        resources: {},
        hierarchies: usable,
      });
      const process = sleeper(t, cgroup);
      cgroup.freeze();
      cgroup.kill(15);
      // A deadly signal ends what version 2 has frozen; version 1 keeps it for later.
      if (usable.some(({ version }) => version === 1)) {
        await pause(20);
        t.true(process.isAlive());
      } else await ended(process);
      t.true(cgroup.isFrozen());
      cgroup.thaw();
      await ended(process);
      cgroup.destroy();
      t.notThrows(() => cgroup.kill(15));
    },
  );
}

on(unified)("version 2: what the kernel does not offer there is named", (t) => {
  const options = { path: `${TOP}/none`, hierarchies: unified };
  t.throws(() => createCgroup({ ...options, resources: { unified: { "absent.max": "1" } } }), {
    message: /absent\.max can't be set.*does not offer that \(controller absent\)/,
  });
  for (const { mountpoint } of unified) t.false(existsSync(`${mountpoint}${TOP}/none`));
});

/** A tree of ordinary files in the place of the kernel's: it shows what is written where. */
function fakeTree(t: ExecutionContext, files: Readonly<Record<string, string>>): Hierarchy {
  const mountpoint = mkdtempSync(`${tmpdir()}/cgroup-`);
  t.teardown(() => rmSync(mountpoint, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(`${mountpoint}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    writeFileSync(`${mountpoint}/${file}`, text);
  }
  return { version: 2, controllers: [], mountpoint, root: "/" };
}

test("version 2: all controllers are enabled in every cgroup above, and limits are written into the container's", (t) => {
  const tree = fakeTree(t, {
    "cgroup.controllers": "cpu memory pids\n",
    "cgroup.subtree_control": "",
    "a.slice/cgroup.subtree_control": "",
    "a.slice/box/cgroup.controllers": "\n",
    "a.slice/box/cgroup.subtree_control": "",
    "a.slice/box/memory.max": "",
    "a.slice/box/cpu.weight": "",
  });
  const resources = { memory: { limit: MIB, swap: MIB }, cpu: { shares: 1024 } };
  const cgroup = createCgroup({ path: "/a.slice/box", resources, hierarchies: [tree] });
  const text = (file: string): string => readFileSync(`${tree.mountpoint}/${file}`, "utf8");
  t.is(text("cgroup.subtree_control"), "+cpu +memory +pids");
  t.is(text("a.slice/cgroup.subtree_control"), "+cpu +memory +pids");
  t.is(text("a.slice/box/cgroup.subtree_control"), "", "not in the container's own: it holds its processes");
  t.is(text("a.slice/box/memory.max"), String(MIB));
  t.is(text("a.slice/box/cpu.weight"), "100");
  t.deepEqual(cgroup.paths, { "": `${tree.mountpoint}/a.slice/box` });
  t.deepEqual(cgroup.procsFiles, [`${tree.mountpoint}/a.slice/box/cgroup.procs`]);
  t.is(cgroup.folderOf("memory"), `${tree.mountpoint}/a.slice/box`);
});

test("version 2: a controller that can't be enabled does not keep the others from it", (t) => {
  const tree = fakeTree(t, { "cgroup.controllers": "cpu memory\n", "box/cgroup.controllers": "\n" });
  t.throws(() => createCgroup({ path: "/box", resources: { memory: { limit: MIB } }, hierarchies: [tree] }), {
    message: /memory\.max can't be set to 1048576.*controller memory/,
  });
});

test("version 1: the weight goes to the file that the host's scheduler has", (t) => {
  const tree = fakeTree(t, { "box/blkio.bfq.weight": "" });
  const blkio: Hierarchy = { ...tree, version: 1, controllers: ["blkio"] };
  createCgroup({ path: "/box", resources: { blockIO: { weight: 300 } }, hierarchies: [blkio] });
  t.is(readFileSync(`${tree.mountpoint}/box/blkio.bfq.weight`, "utf8"), "300");
});
