/** Cgroups of version 2: for the same flags of Docker, what runc makes of a program is what unikrun makes of a guest. */
import test, { type ExecutionContext } from "ava";
import { docker, eventually, inHost, startProbe, succeed, uniqueName, usesKvm } from "./harness.ts";

const TCG = ["--annotation", "org.unikrun.accelerator=tcg"];
/** Docker has all runtimes' states in one place. */
const STATE = "/run/docker/runtime-runc/moby";

/** The file alone: the image "busybox" of others has its applets, too. */
const BUSYBOX =
  "docker image inspect only-busybox >/dev/null 2>&1 || tar -C / -c bin/busybox | docker import - only-busybox";

interface Pair {
  readonly runc: string;
  readonly unikrun: string;
}

function startPair(t: ExecutionContext, flags: readonly string[]): Pair {
  succeed(BUSYBOX);
  const runc = uniqueName("runc");
  t.teardown(() => docker("rm", "-f", runc));
  succeed(`docker run -d --name ${runc} ${flags.join(" ")} only-busybox /bin/busybox sleep 1000`);
  return { runc, unikrun: startProbe(t, { args: ["sleep", "1000"], options: [...TCG, ...flags] }) };
}

/** A line of shell's words for the folder of a container's cgroup. */
const folderOf = (name: string): string =>
  `/sys/fs/cgroup$(sed -n s/^0:://p /proc/$(docker inspect -f '{{.State.Pid}}' ${name})/cgroup)`;

/** What the kernel counts in files that can be written to, and what is a command. */
const NO_LIMITS = /^(cgroup\.(procs|threads|kill)|memory\.(reclaim|(swap\.)?peak)|.*\.pressure)$/;
/** runc before 1.4 makes other weights of --cpu-shares than it does since, and than crun and unikrun do. */
const WEIGHTS = /^cpu\.weight(\.nice)?$/;

/** The files of a container's cgroup that can be written to, and what they say. */
function limitsOf(name: string): Record<string, string> {
  const lines = succeed(
    `cd ${folderOf(name)} && find . -maxdepth 1 -type f -perm /200 -printf '%P\\n' | while read f; do echo "$f $(tr '\\n' '|' <$f 2>/dev/null)"; done`,
  ).split("\n");
  const entries = lines.map((line) => [line.split(" ", 1)[0] ?? "", line.replace(/^\S+ /, "")] as const);
  return Object.fromEntries(entries.filter(([file]) => !NO_LIMITS.test(file)));
}

const without = (limits: Record<string, string>, some: RegExp): Record<string, string> =>
  Object.fromEntries(Object.entries(limits).filter(([file]) => !some.test(file)));

function sameLimits(t: ExecutionContext, { runc, unikrun }: Pair): Record<string, string> {
  const [theirs, ours] = [limitsOf(runc), limitsOf(unikrun)];
  t.true(Object.keys(theirs).length > 20, JSON.stringify(theirs));
  t.deepEqual(without(ours, WEIGHTS), without(theirs, WEIGHTS));
  return ours;
}

function update({ runc, unikrun }: Pair, ...flags: readonly string[]): void {
  for (const name of [runc, unikrun]) succeed(`docker update ${flags.join(" ")} ${name}`);
}

const LIMITS = [
  ...["--memory 100m", "--memory-reservation 50m", "--memory-swap 300m", "--cpus 0.5", "--cpu-shares 512"],
  ...["--pids-limit 50", "--cpuset-cpus 0", "--cpuset-mems 0", "--blkio-weight 300"],
].flatMap((flag) => flag.split(" "));

test("each file of the cgroup is as runc's, after run and after each update; figures and devices, too", (t) => {
  const pair = startPair(t, LIMITS);
  const limits = sameLimits(t, pair);
  t.is(limits["memory.max"], "104857600|");
  t.is(limits["memory.swap.max"], "209715200|");
  t.is(limits["cpu.weight"], "59|");
  sameFigures(t, pair);
  sameDevices(t, pair);
  // runc does not tell systemd of a weight for disks, which so is lost in an update that does not have one.
  update(
    pair,
    "--memory 120m --memory-swap 200m --memory-reservation 40m --cpus 0.7 --pids-limit 60 --blkio-weight 400",
  );
  const changed = sameLimits(t, pair);
  t.is(changed["memory.swap.max"], "83886080|");
  t.is(changed["cpu.max"], "70000 100000|");
  update(pair, "--cpuset-cpus 1 --blkio-weight 500 --pids-limit -1");
  const last = sameLimits(t, pair);
  t.is(last["pids.max"], "max|");
  t.is(last["cpuset.cpus"], "1|");
});

test("without limits all is as runc's; quota and period are changed one by one", (t) => {
  const pair = startPair(t, []);
  sameLimits(t, pair);
  update(pair, "--cpu-period 50000");
  update(pair, "--cpu-quota 25000");
  t.is(sameLimits(t, pair)["cpu.max"], "25000 50000|");
  update(pair, "--cpu-period 100000");
  t.is(sameLimits(t, pair)["cpu.max"], "25000 100000|");
});

test("limits of a disk's bytes and operations are as runc's", (t) => {
  succeed(BUSYBOX);
  const throttle = (Rate: number) => [{ Path: "/dev/vda", Rate }];
  /** By Docker's API: the docker of this host drops --device-read-bps and the like. */
  const create = (Runtime: string, Image: string, Cmd: readonly string[]): string => {
    const name = uniqueName(Runtime);
    t.teardown(() => docker("rm", "-f", name));
    const HostConfig = {
      Runtime,
      Annotations: { "org.unikrun.accelerator": "tcg" },
      BlkioDeviceReadBps: throttle(1 << 20),
      BlkioDeviceWriteBps: throttle(2 << 20),
      BlkioDeviceReadIOps: throttle(100),
      BlkioDeviceWriteIOps: throttle(200),
    };
    succeed(
      `curl -sSf --unix-socket /run/docker.sock -H 'Content-Type: application/json' -d @- http://localhost/containers/create?name=${name} && docker start ${name}`,
      { stdin: JSON.stringify({ Image, Cmd, HostConfig }) },
    );
    return name;
  };
  const runc = create("runc", "only-busybox", ["/bin/busybox", "sleep", "1000"]);
  const unikrun = create("unikrun", "probe", ["sleep", "1000"]);
  t.regex(
    sameLimits(t, { runc, unikrun })["io.max"] ?? "",
    /^\d+:\d+ rbps=1048576 wbps=2097152 riops=100 wiops=200\|$/,
  );
});

interface Figures {
  readonly cpu: { readonly usage: Readonly<Record<"total" | "kernel" | "user", number>> };
  readonly memory: {
    readonly usage: { readonly limit: number; readonly usage: number; readonly max: number };
    readonly swap: { readonly limit: number; readonly usage: number };
    readonly raw: Readonly<Record<string, number>>;
  };
  readonly pids: { readonly current: number; readonly limit: number };
}

function figuresOf(runtime: "runc" | "unikrun", name: string): Figures {
  const id = succeed(`docker inspect -f '{{.Id}}' ${name}`);
  return JSON.parse(succeed(`${runtime} --root ${STATE} events --stats ${id}`)).data;
}

function sameFigures(t: ExecutionContext, { runc, unikrun }: Pair): void {
  const [theirs, ours] = [figuresOf("runc", runc), figuresOf("unikrun", unikrun)];
  t.is(ours.memory.usage.limit, theirs.memory.usage.limit);
  t.is(ours.memory.swap.limit, theirs.memory.swap.limit);
  t.is(ours.pids.limit, theirs.pids.limit);
  t.deepEqual(Object.keys(ours.memory.raw).sort(), Object.keys(theirs.memory.raw).sort());
  const { usage, swap, raw } = ours.memory;
  t.true(
    usage.usage > 10 << 20 && usage.usage <= usage.max && usage.max <= usage.limit,
    JSON.stringify(usage),
  );
  t.true((raw.anon ?? 0) > 8 << 20 && swap.usage >= usage.usage);
  t.true(ours.cpu.usage.total > 10_000_000 && ours.pids.current >= 4, JSON.stringify(ours.cpu));
  const [memory = "", pids] = succeed(
    `docker stats --no-stream --format '{{.MemUsage}};{{.PIDs}}' ${unikrun}`,
  ).split(";");
  t.regex(memory, /^[1-9]\d\.\d+MiB \/ 100MiB$/);
  t.true(Number(pids) >= 4);
}

/** What each opens, tried by a process that enters its cgroup; kvm is the VMM's. */
function sameDevices(t: ExecutionContext, { runc, unikrun }: Pair): void {
  const devices = ["null", "zero", "random", "net/tun", "kmsg", "mem", "vda", "fuse", "kvm"];
  const opened = (name: string): string[] =>
    succeed(
      `F=${folderOf(name)}; for d in ${devices.join(" ")}; do sh -c "echo 0 >$F/cgroup.procs && exec 3</dev/$d" 2>/dev/null && echo $d; done; true`,
    ).split("\n");
  t.deepEqual(opened(runc), ["null", "zero", "random", "net/tun"]);
  t.deepEqual(opened(unikrun), ["null", "zero", "random", "net/tun", "kvm"]);
}

test("a guest that the kernel kills for memory ends with 137, Docker says why, and events tells it", async (t) => {
  const name = startProbe(t, { args: ["sleep", "1000"], options: [...TCG, "--memory", "100m"] });
  const id = succeed(`docker inspect -f '{{.Id}}' ${name}`);
  const file = `/run/${name}.events`;
  t.teardown(() => inHost(`rm -f ${file}`));
  succeed(`unikrun --root ${STATE} events --interval 1s ${id} >${file} 2>&1 </dev/null & true`);
  await eventually("statistics", () => inHost(`grep -q '"stats"' ${file}`).code === 0 || undefined);
  // Of all that are in the cgroup the kernel takes the VMM first.
  const vmm = `$(cat /proc/$(docker inspect -f '{{.State.Pid}}' ${name})/task/*/children)`;
  succeed(`pid=${vmm}; echo 1000 >/proc/$(echo $pid)/oom_score_adj`);
  inHost(`sh -c 'echo $$ >$0/cgroup.procs; exec timeout 60 tail /dev/zero' ${folderOf(name)}`);
  const state = await eventually("its end", () => {
    const text = succeed(
      `docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}' ${name}`,
    );
    return text.startsWith("exited") ? text : undefined;
  });
  t.is(state, "exited 137 true");
  // What is told may come a moment after Docker's word of the end.
  await eventually("its event", () => inHost(`grep -q '"oom"' ${file}`).code === 0 || undefined);
  // The process that was greedy may be a second.
  t.regex(succeed(`grep -c '"oom"' ${file}`), /^[12]$/);
  t.regex(docker("logs", name).stderr, /the container's memory ran out: give it more/);
});

test("a paused guest stands still, and stops, is killed and is removed like any other", (t) => {
  const name = startProbe(t, { args: ["spin"], options: TCG });
  const state = (): string => succeed(`docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' ${name}`);
  const used = (): string => succeed(`grep usage_usec ${folderOf(name)}/cpu.stat`);
  succeed(`docker pause ${name}`);
  t.is(state(), "paused 0");
  t.is(used(), used());
  t.regex(succeed(`cat ${folderOf(name)}/cgroup.events`), /^frozen 1$/m);
  succeed(`docker unpause ${name}`);
  t.is(state(), "running 0");
  t.not(used(), used());
  succeed(`docker pause ${name} && docker stop -t 60 ${name}`);
  t.is(state(), "exited 143");
  succeed(`docker start ${name} && docker pause ${name} && docker kill ${name}`);
  t.is(state(), "exited 137");
  succeed(`docker start ${name} && docker pause ${name}`);
  const folder = succeed(`echo ${folderOf(name)}`);
  succeed(`docker rm -f ${name}`);
  t.is(inHost(`test -e ${folder}`).code, 1);
});

(usesKvm ? test : test.skip)(
  "the least limit of processes that is named is enough for KVM's and QEMU's threads and for exec",
  (t) => {
    const { stderr } = docker("run", "--rm", "--runtime=unikrun", "--pids-limit", "3", "probe");
    const [, enough = "none"] =
      /limit of 3 processes .* \(docker run --pids-limit (\d+)\)/.exec(stderr) ?? [];
    const name = startProbe(t, {
      args: ["sleep", "1000"],
      options: ["--pids-limit", enough, "--tmpfs", "/x"],
    });
    t.regex(succeed(`docker exec ${name} unikrun status`), /^accelerator +kvm$/m);
    t.is(succeed(`cat ${folderOf(name)}/pids.events`), "max 0");
  },
);
