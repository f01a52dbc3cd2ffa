/** All that `unikrun check` looks at, in the order in which a person would mend it. */
import { readTextOrNull } from "../../native/files.ts";
import { isRootless } from "../container/delegate/rootless.ts";
import { type HostSettings, hostSettings } from "../container/settings/host.ts";
import { reasonOf } from "../error.ts";
import { checkCgroups } from "./checks/cgroups.ts";
import { checkEngines } from "./checks/engines.ts";
import { checkNetwork } from "./checks/network.ts";
import { checkProcessor } from "./checks/processor.ts";
import { checkOtherRuntime, checkVolumes } from "./checks/programs.ts";
import { checkServices } from "./checks/services.ts";
import { checkVmm } from "./checks/vmm.ts";
import type { Finding } from "./finding.ts";

/** Takes up to a minute, where KVM does not answer; as a rule less than one. */
export async function checkHost(): Promise<Finding[]> {
  const isRoot = !isRootless();
  const { settings, wrong } = await readSettings();
  return [
    ...wrong,
    ...(isRoot ? [] : [ROOTLESS]),
    checkProcessor(readTextOrNull("/proc/cpuinfo") ?? ""),
    ...(await checkVmm(settings, isRoot)),
    ...(await checkNetwork(isRoot)),
    checkCgroups(),
    checkVolumes(),
    ...(wrong.length > 0 ? [] : [await checkOtherRuntime()]),
    ...checkEngines(""),
    ...checkServices(),
  ];
}

const ROOTLESS: Finding = {
  status: "missing",
  subject: "root",
  fact: "this is not the host's root, without which there are Linux containers, but no unikernels yet",
  advice: "run unikernels by the system's engine and not a rootless one, and unikrun check as root",
  essential: true,
};

/** With settings that can't be read no container starts. */
async function readSettings(): Promise<{ settings: HostSettings; wrong: Finding[] }> {
  try {
    return { settings: await hostSettings(), wrong: [] };
  } catch (error) {
    const fact = reasonOf(error);
    return { settings: {}, wrong: [{ status: "missing", subject: "settings", fact, essential: true }] };
  }
}
