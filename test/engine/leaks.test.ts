import { readdirSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import test from "ava";
import {
  busyboxImage,
  containerd,
  docker,
  engine,
  eventually,
  probeImage,
  readIfThere,
  succeed,
  uniqueName,
} from "./harness.ts";

const cycles = Number(process.env.UNIKRUN_CYCLES ?? 30);

interface Process {
  readonly pid: number;
  readonly command: string;
}

function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      command: readIfThere(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim(),
    }))
    .filter(({ command }) => command !== "");
}

/** The programs of a container: the runtime in any of its verbs, its init, and the machine. */
function isOurs({ pid, command }: Process): boolean {
  try {
    const program = basename(readlinkSync(`/proc/${pid}/exe`));
    if (/^(unikrun|qemu-system)/.test(program)) return true;
  } catch {
    return false;
  }
  return command.startsWith("unikrun-init");
}

function folders(root: string): string[] {
  return succeed(["find", root, "-mindepth", "1", "-type", "d"]).split("\n");
}

/** Everything that a container could leave in these namespaces, by kind. */
function leftovers(): Record<string, readonly string[]> {
  const lines = (...cmd: readonly string[]): string[] => succeed(cmd).split("\n");
  return {
    processes: processes()
      .filter((each) => isOurs(each) || each.command.includes("containerd-shim"))
      .map(({ command }) => command),
    cgroups: folders("/sys/fs/cgroup"),
    links: lines("ip", "-o", "link").map((line) => String(line.split(": ")[1])),
    qdiscs: lines("tc", "qdisc"),
    mounts: readIfThere("/proc/self/mountinfo")
      .split("\n")
      .map((line) => String(line.split(" ")[4])),
    files: [
      ...lines("find", "/run", "/dev/shm", "/var/lib", "-xdev", "-name", "*unik*"),
      ...lines("find", "/run", "-xdev", "-path", "*/runtime-*"),
      ...lines("find", "/tmp", "-maxdepth", "1", "-name", "*unik*"),
    ],
  };
}

/** What is in one list and was not in the other. */
function added(before: Record<string, readonly string[]>): Record<string, readonly string[]> {
  const found = Object.entries(leftovers()).map(([kind, now]) => {
    const known = new Set(before[kind]);
    return [kind, now.filter((item) => !known.has(item))] as const;
  });
  return Object.fromEntries(found.filter(([, items]) => items.length > 0));
}

/** Kills one of our processes that lives now, and says which. */
function killOne(random: () => number): string {
  const candidates = processes().filter(isOurs);
  const victim = candidates[Math.floor(random() * candidates.length)];
  if (victim === undefined) return "nothing";
  try {
    process.kill(victim.pid, "SIGKILL");
  } catch {
    return "nothing";
  }
  const verb = / (create|start|state|kill|delete) ?/.exec(victim.command)?.[1] ?? "";
  return `${basename(String(victim.command.split(" ")[0]))} ${verb}`.trim();
}

/** Docker 20 forgets a task whose start was killed, runc's as well, and never calls the runtime's delete. */
function deleteForgottenTasks(): void {
  const ctr = ["ctr", "--address", containerd, "--namespace", "moby", "task"];
  for (const id of succeed([...ctr, "ls", "-q"]).split("\n"))
    if (id !== "") succeed([...ctr, "delete", "--force", id]);
}

/** Park and Miller's generator: a failure can be had again by its seed. */
function generator(seed: number): () => number {
  let state = seed % 2147483647 || 1;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}

test(`${cycles} containers, most of them with the runtime or the VMM killed at a random moment, leave nothing`, async (t) => {
  t.timeout(60_000 + cycles * 15_000);
  const seed = Number(process.env.UNIKRUN_SEED ?? Date.now());
  const random = generator(seed);
  probeImage();
  // What the first container of an engine leaves for all later ones is no leak.
  succeed(["docker", "run", "--rm", "--runtime=unikrun", probeImage(), "return", "0"]);
  const before = leftovers();
  const victims = new Map<string, number>();
  for (let cycle = 0; cycle < cycles; cycle++) {
    const name = uniqueName("leak");
    const run = Bun.spawn({
      cmd: ["docker", "run", "-d", "--name", name, "--runtime=unikrun", "-p", "80", probeImage()],
      stdout: "ignore",
      stderr: "ignore",
    });
    let killed = "nothing";
    if (random() < 0.8) {
      await Bun.sleep(random() * 900);
      killed = killOne(random);
    }
    if (killed !== "nothing") victims.set(killed, (victims.get(killed) ?? 0) + 1);
    await run.exited;
    const removed = await eventually(
      `seed ${seed}, cycle ${cycle}, killed ${killed}: docker rm -f`,
      () => docker("rm", "-f", name).code === 0 || undefined,
    );
    t.true(removed);
  }
  deleteForgottenTasks();
  const last = { what: added(before) };
  const nothing = (): true | undefined => {
    last.what = added(before);
    return Object.keys(last.what).length === 0 || undefined;
  };
  // Docker unmounts the network namespaces of its containers once a minute.
  await eventually("nothing left", nothing, { timeout: 90_000 }).catch(() => undefined);
  t.log(`seed ${seed}; killed:`, Object.fromEntries(victims));
  const count = [...victims.values()].reduce((sum, each) => sum + each, 0);
  t.true(count > cycles / 4, "enough was killed for the test to mean something");
  t.deepEqual(last.what, {}, `engine ${engine}, seed ${seed}`);
  t.is(docker("run", "--rm", "--runtime=unikrun", busyboxImage(), "true").code, 0, "the engine still works");
});
