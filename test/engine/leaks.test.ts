import { readdirSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import test from "ava";
import { readIfThere } from "../proc.ts";
import { ask } from "./ctr.ts";
import {
  busyboxImage,
  docker,
  engine,
  eventually,
  probeImage,
  succeed,
  unikrun,
  uniqueName,
} from "./harness.ts";

const cycles = Number(process.env.UNIKRUN_CYCLES ?? 30);

interface Process {
  readonly pid: number;
  readonly command: string;
}

const kinds = ["runtime", "init", "machine"] as const;
type Kind = (typeof kinds)[number];

function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      command: readIfThere(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim(),
    }))
    .filter(({ command }) => command !== "");
}

/** Which program of a container it is: the runtime in any of its verbs, its init, or the machine. */
function kindOf({ pid, command }: Process): Kind | undefined {
  // After its exec init is a file without a name.
  if (command.startsWith("unikrun-init")) return "init";
  try {
    const program = basename(readlinkSync(`/proc/${pid}/exe`));
    if (program.startsWith("qemu-system")) return "machine";
    if (program === basename(unikrun)) return "runtime";
  } catch {
    // It ended meanwhile.
  }
  return undefined;
}

function folders(root: string): string[] {
  return succeed(["find", root, "-mindepth", "1", "-type", "d"]).split("\n");
}

/** Everything that a container could leave in these namespaces, by kind. */
function leftovers(): Record<string, readonly string[]> {
  const lines = (...cmd: readonly string[]): string[] => succeed(cmd).split("\n").filter(Boolean);
  return {
    processes: processes()
      .filter((each) => kindOf(each) !== undefined || each.command.includes("containerd-shim"))
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

/** How long after a program of the kind was seen one may be killed, in ms: create and start, or a guest's boot. */
const moments: Record<Kind, number> = { runtime: 400, init: 600, machine: 600 };

/** Waits for a program of a kind, then for a random moment, and kills one that lives then; says what it was. */
async function killOne(kind: Kind, random: () => number): Promise<string | undefined> {
  const find = (): Process | undefined => processes().findLast((each) => kindOf(each) === kind);
  await eventually(`a ${kind}`, find, { timeout: 3000, pause: 1 }).catch(() => undefined);
  await Bun.sleep(random() * moments[kind]);
  const victim = find();
  if (victim === undefined) return undefined;
  try {
    process.kill(victim.pid, "SIGKILL");
  } catch {
    return undefined;
  }
  const verb = / (create|start|state|kill|delete|features|--version)/.exec(victim.command)?.[1] ?? "";
  return kind === "runtime" ? `runtime ${verb}` : kind;
}

/** The verbs after whose death Docker forgets the task and calls the runtime no more, runc likewise. */
const forgetting = engine === "20" ? ["start", "delete"] : ["delete"];

/** Those of the store, and whether their folders lack what was written. */
function volumes(): { isPending: boolean }[] {
  const store = "/var/lib/unikrun/volumes";
  return readdirSync(store).map((name) => ({
    isPending: readIfThere(`${store}/${name}/volume.json`).includes('"pending":true'),
  }));
}

/** Has containerd delete the tasks that Docker forgot, and says how many. */
function deleteForgottenTasks(): number {
  const task = (...args: readonly string[]): string => ask("--namespace", "moby", "task", ...args);
  const forgotten = task("ls", "-q").split("\n").filter(Boolean);
  for (const id of forgotten) task("delete", "--force", id);
  return forgotten.length;
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
      cmd: [
        "docker",
        "run",
        "-d",
        "--name",
        name,
        "--runtime=unikrun",
        "-p",
        "80",
        "-v",
        "/data",
        probeImage(),
      ],
      stdout: "ignore",
      stderr: "ignore",
    });
    // In every fourth cycle nobody is killed, or the runtime while the container is removed.
    const kind = cycle % 4 === 3 ? undefined : kinds[cycle % 4];
    const killed = [kind && (await killOne(kind, random))];
    await run.exited;
    const removal = Bun.spawn({ cmd: ["docker", "rm", "-fv", name], stdout: "ignore", stderr: "ignore" });
    if (kind === undefined && random() < 0.5) killed.push(await killOne("runtime", random));
    await removal.exited;
    const isRemoved = () => {
      docker("rm", "-fv", name);
      return docker("inspect", name).code !== 0 || undefined;
    };
    // dockerd may wait 12 s each time for what nobody tells it.
    const what = `seed ${seed}, cycle ${cycle}, killed ${killed}: docker rm -f`;
    await eventually(what, isRemoved, { timeout: 120_000 });
    for (const victim of killed)
      if (victim !== undefined) victims.set(victim, (victims.get(victim) ?? 0) + 1);
  }
  const explained = forgetting.reduce((sum, verb) => sum + (victims.get(`runtime ${verb}`) ?? 0), 0);
  const forgotten = deleteForgottenTasks();
  t.true(
    forgotten <= explained,
    `seed ${seed}: Docker forgot ${forgotten} containers, ${explained} with reason`,
  );
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
  // The disks of volumes that are gone go when another volume comes back, half-made ones after 10 s; those stay whose folder went
  // before a killed runtime had brought back what the guest wrote: that is in no folder.
  await eventually("the end of the volumes' disks", () => {
    succeed(["docker", "run", "--rm", "-v", "/data", "--runtime=unikrun", probeImage(), "return", "0"]);
    const pending = volumes().filter(({ isPending }) => isPending).length;
    return (pending <= count && volumes().length - pending <= 1) || undefined;
  });
  t.is(docker("run", "--rm", "--runtime=unikrun", busyboxImage(), "true").code, 0, "the engine still works");
});
