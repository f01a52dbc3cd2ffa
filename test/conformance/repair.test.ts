/** The programs that repair disks which guests left: what they may do, and what becomes of those that don't end. */
import { execFileSync } from "node:child_process";
import { mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { O_RDWR, openPath, owned } from "../../native/libc.ts";
import { tryLock } from "../../native/lock.ts";
import { pathSource } from "../../runtime/disk/host-source.ts";
import { DISK_OWNER, openVolume } from "../../runtime/disk/volume.ts";
import { openVolumeFolder } from "../../runtime/disk/volume-folder.ts";
import { placeOf } from "../../runtime/disk/volume-record.ts";
import { childrenOf, readIfThere } from "../proc.ts";
import { makeBench, until } from "./harness.ts";
import { type PrivateHost, privateHost } from "./private-host.ts";

type Double = "FACTS" | "GREEDY" | "ENDLESS" | "BUSY";

/** A host that has one in e2fsck's place. */
async function hostWith(t: ExecutionContext, double: Double): Promise<PrivateHost> {
  const host = await privateHost();
  t.teardown(() => host[Symbol.dispose]());
  const program = `${host.folder}/e2fsck`;
  const source = `${import.meta.dirname}/e2fsck-double.c`;
  const made = Bun.spawnSync(["gcc", "-std=gnu11", `-D${double}`, "-o", program, source]);
  t.is(made.exitCode, 0, made.stderr.toString());
  host.lay(program, execFileSync("sh", ["-c", "realpath $(command -v e2fsck)"]).toString().trim());
  return host;
}

const soil = (image: string): void =>
  void execFileSync("debugfs", ["-w", "-R", "set_super_value state 0", image], { stdio: "ignore" });

/** A volume whose last guest's disk was not unmounted, in a store. */
function uncleanVolume({ folder }: PrivateHost): { store: string; source: string; image: string } {
  const [store, source] = [`${folder}/store`, `${folder}/volume`];
  mkdirSync(source);
  writeFileSync(`${source}/file`, "kept");
  openVolume({ store, source: pathSource(source), containerId: "c1", mountpoint: "/data", bytes: 4 << 20 })[
    Symbol.dispose
  ]();
  using opened = openVolumeFolder(pathSource(source));
  const { image } = placeOf(store, opened);
  soil(image);
  return { store, source, image };
}

/** `unikrun volumes`, with what it says where it fails. */
function bringBack(host: PrivateHost, { store, source }: { store: string; source: string }): string {
  const MOST = 60;
  const cmd = ["timeout", String(MOST), host.runtime, "volumes", "--store", store, source];
  const { exitCode, stderr } = Bun.spawnSync({ cmd, stdin: "ignore", stderr: "pipe" });
  return `${exitCode} ${stderr}`;
}

test.serial(
  "what repairs a guest's disk has a uid of its own, and nothing of the host but the disk",
  async (t) => {
    const host = await hostWith(t, "FACTS");
    const said = bringBack(host, uncleanVolume(host));
    const [, facts, cpu, size] = /code 8: (.*) cpu=(\d+) size=(\d+)\)/.exec(said) ?? [];
    t.true(Number(cpu) > 0, said);
    t.true(Number(size) >= 4 << 20, said);
    t.is(
      facts,
      `CapEff=0000000000000000 CapBnd=0000000000000000 NoNewPrivs=1 Seccomp=2 uid=${DISK_OWNER} pid=1 keyctl=EPERM socket=EPERM fork=EPERM thread=done sys=none etc=none`,
    );
  },
);

test.serial("what repairs a disk image of root's is in the same cage", async (t) => {
  const host = await hostWith(t, "FACTS");
  using bench = makeBench(["cat"], {}, host.runtime);
  const image = `${bench.folder}/image`;
  execFileSync("mke2fs", ["-q", "-t", "ext2", image, "4m"]);
  soil(image);
  bench.configure((config) =>
    Object.assign(config, { mounts: [{ destination: "/disk", source: image, options: ["rbind"] }] }),
  );
  t.is(bench.call("create").code, 0);
  const { code, stderr } = bench.call("start", bench.id);
  t.is(code, 1);
  t.regex(
    stderr,
    /CapEff=0{16} CapBnd=0{16} .* pid=1 keyctl=EPERM .* sys=none etc=none cpu=11 size=4194304\)/,
  );
  t.true(stderr.includes(`repair it by hand (e2fsck -fy ${image}) and start container ${bench.id} again`));
});

test.serial("a disk can't make what repairs it take the host's memory", async (t) => {
  const host = await hostWith(t, "GREEDY");
  t.regex(bringBack(host, uncleanVolume(host)), /e2fsck could not repair it \(code 8: memory is limited\)/);
});

for (const [double, how] of [
  // On a busy host its time by the clock may be over first.
  ["BUSY", "\\d+ s( of CPU time)?"],
  ["ENDLESS", "\\d+ s"],
] as const)
  test.serial(`a repair that is ${double.toLowerCase()} is ended, and the disk is kept`, async (t) => {
    const host = await hostWith(t, double);
    const volume = uncleanVolume(host);
    const { source, image } = volume;
    const sentence = `The file system on the disk of the volume ${source} is not clean, and e2fsck was ended after ${how}: what is on it is kept; repair it by hand \\(e2fsck -fy ${image}\\) and call unikrun volumes ${source}\\.`;
    t.regex(bringBack(host, volume), new RegExp(`^1 .*everywhere: ${sentence}\n$`));
    Bun.spawnSync(["e2fsck", "-fy", image]);
    t.regex(bringBack(host, volume), /^0 /);
  });

test.serial("a busy repair whose time the kernel takes first is said to be that, too", async (t) => {
  const host = await hostWith(t, "BUSY");
  const { store, source } = uncleanVolume(host);
  const cmd = [host.runtime, "volumes", "--store", store, source];
  const runtime = Bun.spawn({ cmd, stdin: "ignore", stderr: "pipe" });
  until(() => isRepair(lineOf(runtime.pid).at(-1)));
  const [watcher = 0, repair] = lineOf(runtime.pid).slice(-2);
  // As on a host where others have the processors.
  process.kill(watcher, "SIGSTOP");
  while (isRepair(repair)) await Bun.sleep(100);
  process.kill(watcher, "SIGCONT");
  t.regex(await new Response(runtime.stderr).text(), /e2fsck was ended after \d+ s of CPU time:/);
});

/** A process, its first child, and so on. */
function lineOf(pid: number): number[] {
  const [child] = childrenOf(pid);
  return [pid, ...(child ? lineOf(child) : [])];
}

const isRepair = (pid = 0): boolean => readIfThere(`/proc/${pid}/cmdline`).includes("\0/proc/self/fd/3");

test.serial("a repair ends with the runtime", async (t) => {
  const host = await hostWith(t, "ENDLESS");
  const { store, source, image } = uncleanVolume(host);
  const runtime = Bun.spawn([host.runtime, "volumes", "--store", store, source], { stdin: "ignore" });
  const disk = openSync(image, "r");
  const start = Buffer.alloc(5);
  until(() => readSync(disk, start, 0, 5, 0) === 5 && start.toString() === "begun");
  runtime.kill("SIGKILL");
  await runtime.exited;
  until(() => {
    using again = owned(openPath(image, O_RDWR));
    return tryLock(again.fd);
  });
  t.pass();
});
