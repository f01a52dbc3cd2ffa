import test, { type ExecutionContext } from "ava";
import { docker, inHost, quote, startProbe, succeed, uniqueName } from "./harness.ts";

const TCG = ["--annotation", "org.unikrun.accelerator=tcg"];

/** What systemd says of a unit. */
function show(unit: string, ...names: readonly string[]): Record<string, string> {
  const lines = succeed(`systemctl show ${unit} -p ${names.join()}`).split("\n");
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** Files of the cgroup that a process is in. */
const cgroupFiles = (pid: string, names: readonly string[]): string[] =>
  succeed(`cd /sys/fs/cgroup/$(cut -d: -f3 /proc/${pid}/cgroup) && cat ${names.join(" ")}`).split("\n");

const pidOf = (name: string): string => succeed(`docker inspect -f '{{.State.Pid}}' ${name}`);
const idOf = (name: string): string => succeed(`docker inspect -f '{{.Id}}' ${name}`);

/** A slice with a limit of its own, gone at the test's end. */
function makeSlice(t: ExecutionContext, limit: string): string {
  const slice = `${uniqueName("web").replaceAll("-", "_")}.slice`;
  const file = `/run/systemd/system/${slice}`;
  t.teardown(() => inHost(`systemctl stop ${slice}; rm -f ${file}; systemctl daemon-reload`));
  succeed(`printf '[Slice]\\nMemoryMax=${limit}\\n' > ${file} && systemctl daemon-reload`);
  return slice;
}

const LIMITS = [
  "--memory",
  "100m",
  "--cpus",
  "0.5",
  "--pids-limit",
  "50",
  "--cpuset-cpus",
  "0",
  "--blkio-weight",
  "300",
];
const FILES = ["memory.max", "memory.swap.max", "cpu.max", "pids.max", "cpuset.cpus", "io.weight"];
const VALUES = ["104857600", "104857600", "50000 100000", "50", "0", "default 2930"];

test("Docker's container is a scope of systemd's that knows its limits, holds init and VMM, and is gone with it", (t) => {
  const name = startProbe(t, { options: [...TCG, ...LIMITS] });
  const unit = `docker-${idOf(name)}.scope`;
  t.deepEqual(
    show(
      unit,
      "ActiveState",
      "Slice",
      "Delegate",
      "MemoryMax",
      "MemorySwapMax",
      "CPUQuotaPerSecUSec",
      "TasksMax",
      "AllowedCPUs",
      "IOWeight",
    ),
    {
      ActiveState: "active",
      Slice: "system.slice",
      Delegate: "yes",
      MemoryMax: "104857600",
      MemorySwapMax: "104857600",
      CPUQuotaPerSecUSec: "500ms",
      TasksMax: "50",
      AllowedCPUs: "0",
      IOWeight: "2930",
    },
  );
  const pid = pidOf(name);
  t.is(succeed(`cat /proc/${pid}/cgroup`), `0::/system.slice/${unit}`);
  t.deepEqual(cgroupFiles(pid, FILES), VALUES);
  t.is(cgroupFiles(pid, ["cgroup.procs"]).length, 2);
  docker("rm", "-f", name);
  t.is(succeed(`systemctl list-units --all --plain --no-legend ${unit}`), "");
  t.is(succeed("find /sys/fs/cgroup -name 'docker-*'"), "");
});

test("a container in a slice obeys that slice's limits, and keeps its own whatever else comes and goes", (t) => {
  const slice = makeSlice(t, "200M");
  const name = startProbe(t, { options: [...TCG, ...LIMITS, "--cgroup-parent", slice] });
  const pid = pidOf(name);
  t.is(succeed(`cat /proc/${pid}/cgroup`), `0::/${slice}/docker-${idOf(name)}.scope`);
  t.is(show(slice, "ActiveState").ActiveState, "active");
  t.is(succeed(`cat /sys/fs/cgroup/${slice}/memory.max`), "209715200");
  succeed(`systemd-run -q --wait --slice ${slice} true`);
  t.deepEqual(cgroupFiles(pid, FILES), VALUES, "after a unit beside it");
  succeed("systemctl daemon-reload");
  t.deepEqual(cgroupFiles(pid, FILES), VALUES, "after daemon-reload");
  succeed("systemctl restart containerd");
  succeed(`systemd-run -q --wait --slice ${slice} -p CPUQuota=10% -p AllowedCPUs=1 true`);
  t.deepEqual(cgroupFiles(pid, FILES), VALUES, "after containerd");
  t.is(succeed(`docker inspect -f '{{.State.Running}}' ${name}`), "true");
});

test("docker update's limits are systemd's, too, and so outlive a daemon-reload", (t) => {
  const name = startProbe(t, { options: [...TCG, ...LIMITS] });
  succeed(
    `docker update --memory 150m --memory-swap 200m --cpus 0.755 --pids-limit 70 --cpuset-cpus 1 ${name}`,
  );
  const changed = ["157286400", "52428800", "76000 100000", "70", "1", "default 2930"];
  const pid = pidOf(name);
  t.deepEqual(cgroupFiles(pid, FILES), changed);
  t.deepEqual(show(`docker-${idOf(name)}.scope`, "MemoryMax", "TasksMax"), {
    MemoryMax: "157286400",
    TasksMax: "70",
  });
  succeed("systemctl daemon-reload && systemd-run -q --wait true");
  t.deepEqual(cgroupFiles(pid, FILES), changed);
});

test("Podman's container is a scope with its stop time, and a container of crun's that ends takes no limit along", (t) => {
  const name = uniqueName("pod");
  t.teardown(() => inHost(`podman rm -f -t 2 ${name}`));
  succeed("podman image exists probe || docker save probe | podman load -q");
  succeed(`tar -C / -c bin/busybox | podman import -q - busy`);
  succeed(
    `podman run -d --name ${name} --runtime=unikrun --memory 100m --cpus 0.5 --pids-limit 50 --cpuset-cpus 0 --annotation org.unikrun.accelerator=tcg --stop-timeout 7 probe sleep 1000`,
  );
  const [id, pid] = succeed(`podman inspect -f '{{.Id}} {{.State.Pid}}' ${name}`).split(" ");
  const unit = `libpod-${id}.scope`;
  t.is(succeed(`cat /proc/${pid}/cgroup`), `0::/machine.slice/${unit}`);
  const files = ["memory.max", "cpu.max", "pids.max", "cpuset.cpus"];
  const values = ["104857600", "50000 100000", "50", "0"];
  t.deepEqual(cgroupFiles(pid ?? "", files), values);
  t.is(show(unit, "TimeoutStopUSec").TimeoutStopUSec, "7s");
  succeed("podman run --rm --runtime=crun --cpus 0.3 --cpuset-cpus 1 --memory 50m busy /bin/busybox true");
  t.deepEqual(cgroupFiles(pid ?? "", files), values);
  succeed(`podman rm -f -t 2 ${name}`);
  t.is(succeed(`systemctl list-units --all --plain --no-legend ${unit}`), "");
});

test("containerd's container is the scope that its cgroups path names", (t) => {
  const id = uniqueName("ctr");
  t.teardown(() => inHost(`ctr task kill -s 9 ${id}; sleep 1; ctr task rm ${id}; ctr container rm ${id}`));
  succeed("docker save probe > /tmp/probe.tar && ctr image import /tmp/probe.tar && rm /tmp/probe.tar");
  succeed(
    `ctr run -d --runtime io.containerd.runc.v2 --runc-binary /usr/bin/unikrun --runc-systemd-cgroup --cgroup system.slice:cri-containerd:${id} --annotation org.unikrun.accelerator=tcg docker.io/library/probe:latest ${id} /probe.bin sleep 1000`,
  );
  const unit = `cri-containerd-${id}.scope`;
  t.is(show(unit, "ActiveState").ActiveState, "active");
  succeed(
    `ctr task kill -s 9 ${id}; for i in 1 2 3 4 5 6 7 8 9; do ctr task rm ${id} && break; sleep 1; done`,
  );
  t.is(succeed(`systemctl list-units --all --plain --no-legend ${unit}`), "");
});

test("a runtime that is killed at any step of create leaves no scope, no cgroup and no process", (t) => {
  const folder = succeed("mktemp -d");
  t.teardown(() => inHost(`rm -rf ${folder}`));
  succeed(`mkdir ${folder}/rootfs && docker export $(docker create probe) | tar -x -C ${folder}/rootfs`);
  const config = {
    ociVersion: "1.0.2",
    process: { args: ["/probe.bin", "sleep", "1000"], cwd: "/" },
    root: { path: "rootfs" },
    linux: {
      cgroupsPath: "system.slice:killed:one",
      namespaces: ["pid", "mount", "ipc", "uts", "network", "cgroup"].map((type) => ({ type })),
      resources: { memory: { limit: 200_000_000 } },
    },
  };
  succeed(`cat > ${folder}/config.json`, { stdin: JSON.stringify(config) });
  // Each is killed a bit later than the one before, the last ones after their end.
  const outcomes = succeed(`cd ${folder}
    U="unikrun --root ${folder}/state --systemd-cgroup"
    now() { date +%s%N; }
    begin=$(now); $U create --bundle . k0 </dev/null >/dev/null 2>&1 && $U delete --force k0 || exit 1
    whole=$(($(now) - begin))
    for i in 1 2 3 4 5 6 7 8 9 10; do
      $U create --bundle . k$i </dev/null >/dev/null 2>&1 &
      sleep $(printf 0.%09d $((whole * i / 10 % 1000000000))); kill -9 $!; wait $!; echo $?
      $U delete --force k$i 2>&1 | grep -v 'does not exist'
    done 2>/dev/null; true`);
  t.true(outcomes.includes("137"), outcomes);
  const left =
    "systemctl list-units --all --plain --no-legend 'killed-*'; find /sys/fs/cgroup -name 'killed-*'; pgrep unikrun-init";
  t.is(inHost(`for i in 1 2 3 4 5; do [ -z "$(${left})" ] && break; sleep 1; done; ${left}`).stdout, "");
  t.is(succeed(`ls ${folder}/state`), "");
});

test("what the kernel or systemd refuses is said, and leaves no scope", (t) => {
  const { code, stderr } = docker(
    "run",
    "--rm",
    "--runtime=unikrun",
    "--cpuset-mems",
    "0",
    "--cgroup-parent",
    "a--b.slice",
    "probe",
  );
  t.is(code, 125);
  t.regex(stderr, /"a--b.slice".* is no name of a systemd slice/);
  const annotated = docker(
    "run",
    "--rm",
    "--runtime=unikrun",
    "--annotation",
    "org.systemd.property.KillMode='nonsense'",
    "probe",
  );
  t.is(annotated.code, 125);
  t.regex(annotated.stderr, /systemd does not start its scope docker-[0-9a-f]+\.scope \(/);
  t.is(succeed("systemctl list-units --all --plain --no-legend 'docker-*'"), "");
  t.log(quote(stderr));
});
