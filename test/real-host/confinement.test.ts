/** What hosts confine programs with: AppArmor, hardened units, a caller's environment; and a guest as a systemd unit. */
import test from "ava";
import { docker, eventually, inHost, runProbe, startProbe, succeed, uniqueName } from "./harness.ts";

test("init, the VMM and exec's commands run under docker-default, with a filter of system calls each", async (t) => {
  const name = startProbe(t, { args: ["cat"], options: ["-i"] });
  const init = docker("inspect", "-f", "{{.State.Pid}}", name).stdout.trim();
  t.teardown(() => inHost(`pkill -f "docker exec -i ${name}"`));
  succeed(`(sleep 120 | docker exec -i ${name} unikrun console) >/dev/null 2>&1 &`);
  const processes = await eventually("the command", () => {
    const pids = succeed(`cat $(find /sys/fs/cgroup -path '*docker-*' -name cgroup.procs)`).split("\n");
    return pids.length >= 3 ? pids : undefined;
  });
  t.true(processes.includes(init));
  for (const pid of processes) {
    t.is(succeed(`cat /proc/${pid}/attr/current`), "docker-default (enforce)");
    t.regex(succeed(`cat /proc/${pid}/status`), /^Seccomp:\t2$/m);
  }
  t.is(docker("stop", name).code, 0);
});

test("a guest under docker-default serves, is looked at, stops, and AppArmor denies it nothing", async (t) => {
  const denied = () => inHost("journalctl -k -b | grep -c 'apparmor=\"DENIED\".*docker-default'").stdout;
  const before = denied();
  const name = startProbe(t);
  await eventually("http", () =>
    docker("exec", name, "unikrun", "http", "/").code === 0 ? true : undefined,
  );
  for (const command of ["ping", "status", "stats"])
    t.is(docker("exec", name, "unikrun", command).code, 0, command);
  t.is(docker("stop", name).code, 0);
  t.is(docker("inspect", "-f", "{{.State.ExitCode}}", name).stdout.trim(), "143");
  t.is(denied(), before);
});

test("a profile that is not loaded is told by docker run, as with runc", (t) => {
  const { code, stderr } = runProbe(["exit", "3"], ["--security-opt", "apparmor=nope"]);
  t.is(code, 125);
  t.regex(stderr, /the AppArmor profile "nope" is not loaded on this host/);
  t.is(runProbe(["exit", "3"], ["--security-opt", "apparmor=unconfined"]).code, 3);
});

test("where no memory may be written and executed, docker run and check say so", (t) => {
  const dropIn = "/run/systemd/system/containerd.service.d/hardened.conf";
  const restart = "systemctl daemon-reload && systemctl restart containerd && docker ps >/dev/null";
  t.teardown(() => succeed(`rm -f ${dropIn}; ${restart}`));
  succeed(
    `mkdir -p ${dropIn.replace(/\/[^/]*$/, "")}; printf '[Service]\nMemoryDenyWriteExecute=yes\n' >${dropIn}; ${restart}`,
  );
  const { code, stderr } = runProbe(["exit", "3"]);
  t.is(code, 125);
  t.regex(
    stderr,
    /no memory may be both written and executed: set MemoryDenyWriteExecute=no in the systemd unit/,
  );
  t.regex(succeed("unikrun check; true"), /^missing +containerd unit +has MemoryDenyWriteExecute=yes/m);
});

test("Podman, which passes its user's environment on, is not led astray by Bun's variables", (t) => {
  succeed("podman image exists probe || docker save probe | podman load");
  const variables =
    "BUN_BE_BUN=1 BUN_OPTIONS=--help BUN_JSC_useJIT=0 MIMALLOC_VERBOSE=1 NODE_OPTIONS=--nonsense";
  const { code, stdout, stderr } = inHost(`${variables} podman --runtime=unikrun run --rm probe exit 7`);
  t.is(code, 7, stdout + stderr);
  t.notRegex(stdout + stderr, /mimalloc|Usage: bun/);
});

test("a guest as a Quadlet unit is stopped and not failed, with the line that the documentation has", async (t) => {
  succeed("podman image exists probe || docker save probe | podman load");
  const unit = uniqueName("guest");
  const file = `/etc/containers/systemd/${unit}.container`;
  t.teardown(() =>
    inHost(`systemctl stop ${unit}; rm -f ${file}; systemctl daemon-reload; systemctl reset-failed`),
  );
  const text = [
    "[Container]",
    "Image=docker.io/library/probe",
    "Exec=http 80",
    "PodmanArgs=--runtime=unikrun",
    "[Service]",
    "SuccessExitStatus=143",
  ].join("\\n");
  succeed(
    `mkdir -p /etc/containers/systemd; printf '${text}\n' >${file}; systemctl daemon-reload; systemctl start ${unit}`,
  );
  t.is(succeed(`systemctl is-active ${unit}`), "active");
  succeed(`systemctl stop ${unit}`);
  t.is(succeed(`systemctl show -P ActiveState ${unit}`), "inactive");
  t.is(succeed(`systemctl show -P Result ${unit}`), "success");
});
