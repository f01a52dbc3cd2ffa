import type { ExecutionContext } from "ava";
import test from "ava";
import { docker, eventually, httpGet, inHost, inspect, startProbe, succeed, usesKvm } from "./harness.ts";

/** By hand: UNIKRUN_HOST_KVM=1 scripts/test --only host. */
const withKvm = usesKvm ? test.serial : test.serial.skip;

/** Starts a guest that must answer, and tells what its vCPU runs on and the groups that its VMM is in. */
async function startedGuest(t: ExecutionContext): Promise<{ accelerator: string; groups: string[] }> {
  const name = startProbe(t);
  await httpGet(`http://${inspect(name, "{{.NetworkSettings.IPAddress}}")}/`);
  const { stdout } = docker("exec", name, "unikrun", "status");
  const vmm = succeed(`pgrep -P ${inspect(name, "{{.State.Pid}}")} qemu-system`);
  return {
    accelerator: /^accelerator +(\S+)/m.exec(stdout)?.[1] ?? stdout,
    groups: succeed(`sed -n 's/^Groups:\t//p' /proc/${vmm}/status`).split(" ").filter(Boolean),
  };
}

/** Waits for a trial that was in time: on a busy machine one may decide nothing. */
const foundOut = (finding: RegExp) =>
  eventually("a trial of KVM", () => (finding.test(inHost("unikrun check").stdout) ? true : undefined));

const NODES = ["root:kvm 0600", "root:kvm 0660", "root:root 0660", "root:root 0666"] as const;

for (const node of NODES) {
  withKvm(`a guest runs on KVM where /dev/kvm is ${node}, and its VMM is in no group`, async (t) => {
    const [owner, mode] = node.split(" ");
    t.teardown(() => succeed("chown root:kvm /dev/kvm && chmod 0660 /dev/kvm"));
    succeed(`chown ${owner} /dev/kvm && chmod ${mode} /dev/kvm`);
    await foundOut(/^ok +KVM /m);
    t.deepEqual(await startedGuest(t), { accelerator: "kvm", groups: [] });
  });
}

withKvm("where there is no KVM a guest is emulated, and check says so", async (t) => {
  t.teardown(() => succeed("modprobe kvm_amd && udevadm settle"));
  succeed("modprobe -r kvm_amd kvm && test ! -e /dev/kvm");
  await foundOut(/^warning +KVM /m);
  t.deepEqual(await startedGuest(t), { accelerator: "tcg", groups: [] });
});
