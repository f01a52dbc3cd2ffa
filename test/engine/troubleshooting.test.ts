/** Each row of docs/troubleshooting.md that an engine can show: brings about what one sees, and finds it in the document's words. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { rumprun } from "../../runtime/guest/rumprun.ts";
import { vmmOf } from "../proc.ts";
import { isRow, rows, unseen } from "../troubleshooting.ts";
import {
  command,
  docker,
  eventually,
  inspect,
  type Outcome,
  probeImage,
  repository,
  runProbe,
  startNeighbour,
  startProbe,
  succeed,
  uniqueName,
  waitForEnd,
} from "./harness.ts";

const said = ({ stdout, stderr }: Outcome): string => `${stdout}${stderr}`;
const run = (...args: readonly string[]): Outcome => docker("run", "--rm", "--runtime=unikrun", ...args);

test.serial("--runtime=unikrun was forgotten", async (t) => {
  const once = docker("run", "--rm", probeImage());
  t.is(said(once), "");
  isRow(t, "exit code 139 and no word", `exit code ${once.code} and no word`);
  const name = uniqueName("forgotten");
  t.teardown(() => docker("rm", "-f", name));
  succeed(["docker", "run", "-d", "--name", name, "--restart=always", probeImage()]);
  const shown = await eventually("a restart", () => {
    const { stdout } = docker("ps", "-a", "--filter", `name=${name}`);
    return stdout.includes("Restarting") ? stdout : undefined;
  });
  isRow(t, "Restarting (139)", shown);
  t.is(inspect(name, "{{.HostConfig.Runtime}}"), "runc");
});

test.serial("the engine does not know the runtime", (t) => {
  const refused = said(docker("run", "--rm", "--runtime=unikrun-of-nobody", probeImage()));
  isRow(
    t,
    /specified/.test(refused) ? "Unknown runtime specified" : "unknown or invalid runtime name",
    refused,
  );
});

test.serial("an image without a command", (t) => {
  const image = uniqueName("no-command");
  t.teardown(() => docker("rmi", image));
  const archive = `tar -C ${repository}/build/guest -c probe.bin`;
  succeed(["sh", "-c", `${archive} | docker import - ${image}`]);
  isRow(t, "No command specified", said(run(image)));
  t.is(run(image, "/probe.bin", "return", "3").code, 3);
});

test.serial("an entrypoint that names no file of the image is handed to runc", (t) => {
  const typo = run("--entrypoint", "/helo.bin", probeImage());
  t.is(typo.code, 127);
  isRow(t, "stat /helo.bin: no such file or directory", said(typo));
});

test.serial("a memory limit that leaves the guest too little", (t) => {
  const { stderr } = runProbe(["return", "3"], ["--memory", "44m"]);
  // With KVM QEMU is counted with less.
  const words = "its memory limit of 44 MiB leaves 4 MiB to the guest, after 40 MiB for QEMU";
  if (/after 40 MiB/.test(stderr)) isRow(t, words, stderr);
  const enough = /\(docker run --memory (\d+m)\)/.exec(stderr)?.[1] ?? "48m";
  t.is(runProbe(["return", "3"], ["--memory", enough]).code, 3);
});

test.serial("a rump kernel that has too little memory ends with the code that the row says", (t) => {
  const rule = rumprun.ending.rules.find(({ line }) => line.startsWith("cannot handle"));
  t.is(rule?.code, 137);
  isRow(t, "cannot handle page request", rule?.line ?? "");
});

test.serial("the container's memory runs out", async (t) => {
  const name = startProbe(t, { args: ["sleep", "1000"], options: ["--memory", "256m"] });
  const init = inspect(name, "{{.State.Pid}}");
  const vmm = await eventually("the VMM", () => vmmOf(Number(init)));
  writeFileSync(`/proc/${vmm}/oom_score_adj`, "1000");
  command([
    "sh",
    "-c",
    `echo $$ >${cgroupOf(name, "memory.max", "memory.limit_in_bytes")}/cgroup.procs; exec timeout 30 tail /dev/zero`,
  ]);
  t.is(waitForEnd(name), 137);
  isRow(t, "the kernel killed the VMM, as the container's memory ran out", docker("logs", name).stderr);
});

/** The container's cgroup that has one of these files, whose names differ between versions 1 and 2. */
function cgroupOf(name: string, ...files: readonly string[]): string {
  const id = inspect(name, "{{.Id}}");
  const folders = succeed(["find", "/sys/fs/cgroup", "-type", "d", "-name", `*${id}*`]).split("\n");
  const found = folders.find((folder) => files.some((file) => existsSync(`${folder}/${file}`)));
  if (found === undefined) throw new Error(`${name} has no ${files.join()} in ${folders.join()}`);
  return found;
}

for (const [program, code, words] of [
  ["panic", 134, "exit code 134 and `PANIC: `"],
  ["trap", 139, "exit code 139 and `FATAL TRAP: `"],
] as const)
  test.serial(`a guest's ${program}`, (t) => {
    const { stdout, code: is } = runProbe([program]);
    t.is(is, code);
    const [, line = ""] = /`(.*)`/.exec(words) ?? [];
    t.true(stdout.includes(line), stdout);
    isRow(t, words, words);
  });

test.serial("a volume that another guest writes", async (t) => {
  const volume = uniqueName("volume");
  t.teardown(() => docker("volume", "rm", "-f", volume));
  startProbe(t, { options: ["-v", `${volume}:/data`] });
  const second = runProbe(["return", "0"], ["-v", `${volume}:/data`]);
  isRow(t, "the volume … is being written by the guest of container …", second.stderr);
  t.is(runProbe(["return", "3"], ["-v", `${volume}:/data:ro`]).code, 3);
});

test.serial("the host's network", (t) => {
  isRow(
    t,
    "a unikernel can't share the host's network",
    runProbe(["return", "0"], ["--network", "host"]).stderr,
  );
});

test.serial("a firewall in the network that it shares", (t) => {
  const name = startNeighbour(t, "bridge", "sleep 1000");
  const pid = inspect(name, "{{.State.Pid}}");
  succeed(["nsenter", "-t", pid, "-n", "iptables", "-P", "OUTPUT", "DROP"]);
  const refused = runProbe(["return", "0"], ["--network", `container:${name}`]);
  isRow(t, "its network namespace has rules that do not bind a unikernel", refused.stderr);
});

test.serial(
  "a guest that is emulated, one that is throttled, one that does not listen, and one without a shell",
  async (t) => {
    const name = startProbe(t, { options: ["--cpus", "0.05"] });
    const status = succeed(["docker", "exec", name, "unikrun", "status"]);
    if (/tcg/.test(status))
      isRow(t, "`accelerator` `tcg`", status.replace(/(accelerator) +(tcg)/, "`$1` `$2`"));
    const folder = cgroupOf(name, "cpu.stat");
    const throttled = await eventually("a guest that was held back", () => {
      const figures = readFileSync(`${folder}/cpu.stat`, "utf8");
      return /nr_throttled [1-9]/.test(figures) ? figures : undefined;
    });
    isRow(t, "nr_throttled", throttled);
    t.is(inspect(name, "{{.HostConfig.NanoCpus}}"), "50000000");
    const free = startProbe(t);
    const refused = await eventually("a guest that is up", () => {
      const { stderr } = docker("exec", free, "unikrun", "tcp", "81");
      return /refused/.test(stderr) ? stderr : undefined;
    });
    isRow(t, "connection refused", refused);
    isRow(t, 'is a unikernel, so there is no "sh" in it', said(docker("exec", free, "sh")));
  },
);

test.serial("every row was brought about", (t) => {
  t.true(rows.length > 12);
  const others = unseen(["conformance", "real-host"]);
  // With KVM nobody sees what is so of emulated guests.
  const isKvm = others.every((row) => /tcg|after 40 MiB/.test(row));
  t.true(isKvm, others.join("\n"));
});
