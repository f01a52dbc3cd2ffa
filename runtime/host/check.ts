/** All that `unikrun check` looks at, in the order in which a person would mend it. */
import { readTextOrNull } from "../../native/files.ts";
import { isRootless } from "../container/delegate/rootless.ts";
import { type HostSettings, readHostFile } from "../container/settings/host.ts";
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
  const { settings, ignored, wrong } = await readSettings();
  const cpuinfo = readTextOrNull("/proc/cpuinfo") ?? "";
  const vmm = await checkVmm(settings, isRoot, cpuinfo);
  return [
    ...wrong,
    ...ignored,
    ...(isRoot ? [] : [ROOTLESS]),
    checkProcessor(cpuinfo, vmm.verdict, settings),
    ...vmm.findings,
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

interface Readings {
  readonly settings: HostSettings;
  readonly ignored: readonly Finding[];
  readonly wrong: readonly Finding[];
}

const ignoredSetting = (fact: string): Finding => ({
  status: "warning",
  subject: "settings",
  fact,
  advice: "correct its name, or take it out",
});

/** With settings that can't be read no unikernel starts. */
async function readSettings(): Promise<Readings> {
  try {
    const { settings, ignored } = await readHostFile();
    return { settings, ignored: ignored.map(ignoredSetting), wrong: [] };
  } catch (error) {
    const fact = reasonOf(error);
    return {
      settings: {},
      ignored: [],
      wrong: [
        {
          status: "missing",
          subject: "settings",
          fact,
          advice: "correct that: until then no unikernel is created",
          essential: true,
        },
      ],
    };
  }
}
