import test from "ava";
import { docker, eventually, httpGet, inHost, runProbe, startProbe, succeed } from "./harness.ts";

/** What a container could leave, one line each. */
function traces(): string {
  return succeed(
    "pgrep -a qemu; ip -o link | grep -o 'tap[^:@]*'; ls /run/unikrun /var/lib/unikrun 2>/dev/null; " +
      "find /sys/fs/cgroup -name 'docker-*'; systemctl --no-legend --plain list-units 'docker-*.scope'; true",
  );
}

test("after apt-get install and unikrun install, check finds nothing missing", (t) => {
  // It would try KVM.
  t.teardown(() => succeed("modprobe kvm_amd && udevadm settle"));
  succeed("modprobe -r kvm_amd kvm");
  const { code, stdout } = inHost("unikrun check");
  t.is(code, 0, stdout);
  t.regex(stdout, /^ok +docker +26\..*has unikrun \(\/usr\/bin\/unikrun\)/m);
  t.regex(stdout, /^ok +podman .*has unikrun/m);
});

test("docker run gives back the guest's exit code and its output", (t) => {
  t.is(runProbe(["exit", "7"]).code, 7);
  const { code, stdout } = runProbe(["echo", "two words"]);
  t.is(code, 0);
  t.true(stdout.includes("arg[2]=<two words>\n"), stdout);
});

test("a published port answers, and docker stop and rm leave nothing", async (t) => {
  const before = traces();
  const name = startProbe(t, { options: ["-p", "8080:80"] });
  t.regex(await httpGet("http://127.0.0.1:8080/"), /probe/);
  t.not(traces(), before);
  t.is(docker("stop", "-t", "60", name).code, 0);
  t.is(docker("inspect", "-f", "{{.State.ExitCode}}", name).stdout.trim(), "143");
  t.is(docker("rm", name).code, 0);
  await eventually("nothing is left", () => (traces() === before ? true : undefined));
  t.pass();
});
