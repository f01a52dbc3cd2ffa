/** Containers with user namespaces on a host with AppArmor, cgroup v2 and systemd's scopes. */
import test from "ava";
import { docker, eventually, httpGet, inHost, inspect, startProbe, succeed } from "./harness.ts";

const denied = (): string => inHost("journalctl -k -b | grep -c 'apparmor=\"DENIED\"'").stdout;

test.serial(
  "Docker with userns-remap: a guest serves, is limited, looked at and stopped, and nothing is denied",
  async (t) => {
    const file = "/etc/docker/daemon.json";
    const restart = "systemctl restart docker && docker ps >/dev/null";
    succeed(`docker save probe >/root/probe.tar && cp ${file} /root/daemon.json`);
    t.teardown(() => succeed(`mv /root/daemon.json ${file} && rm /root/probe.tar && ${restart}`));
    // alice has subordinate ids.
    succeed(
      `jq '."userns-remap" = "alice"' /root/daemon.json >${file} && ${restart} && docker load </root/probe.tar`,
    );
    const before = denied();
    const name = startProbe(t, { options: ["-p", "127.0.0.1:8099:80", "--memory=200m"] });
    t.truthy(await httpGet("http://127.0.0.1:8099/"));
    const pid = inspect(name, "{{.State.Pid}}");
    const [, first] = /^alice:(\d+):/m.exec(succeed("cat /etc/subuid")) ?? [];
    t.regex(succeed(`cat /proc/${pid}/uid_map`), new RegExp(`^0\\s+${first}\\s`));
    const processes = succeed(`cat $(find /sys/fs/cgroup -path '*docker-*' -name cgroup.procs)`).split("\n");
    t.true(processes.includes(pid) && processes.length >= 2, processes.join());
    for (const each of processes) t.is(succeed(`cat /proc/${each}/attr/current`), "docker-default (enforce)");
    t.is(succeed(`cat /sys/fs/cgroup$(cut -d: -f3 /proc/${pid}/cgroup)/memory.max`), String(200 << 20));
    await eventually("exec", () =>
      docker("exec", name, "unikrun", "http", "/").code === 0 ? true : undefined,
    );
    t.is(docker("stop", "-t", "60", name).code, 0);
    t.is(inspect(name, "{{.State.ExitCode}}"), "143");
    t.is(denied(), before);
  },
);

test.serial("Podman with --uidmap: a guest's exit code", (t) => {
  succeed("podman image exists probe || docker save probe | podman load");
  const maps = "--uidmap 0:300000:65536 --gidmap 0:300000:65536";
  const { code, stderr } = inHost(`podman run --rm --runtime=unikrun ${maps} probe return 7`);
  t.is(code, 7, stderr);
});
