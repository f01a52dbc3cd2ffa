/** All that `unikrun check` looks at, in the order in which a person would mend it. */
import { readTextOrNull } from "../../native/files.ts";
import { ownUid } from "../../native/own-uid.ts";
import { inUserNamespace } from "../../native/user-namespace.ts";
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
  const isRoot = process.geteuid?.() === 0;
  const { settings, ignored, wrong } = await readSettings();
  const cpuinfo = readTextOrNull("/proc/cpuinfo") ?? "";
  const vmm = await checkVmm(settings, isRoot, cpuinfo);
  return [
    ...wrong,
    ...ignored,
    ...judgeCaller(isRoot),
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

const ORDINARY_USER: Finding = {
  status: "missing",
  subject: "root",
  fact: "this is an ordinary user, whose unikernels run by a rootless engine",
  advice: "see what that can have, from where it calls: podman unshare unikrun check",
  essential: true,
};

function judgeCaller(isRoot: boolean): Finding[] {
  if (!isRoot) return [ORDINARY_USER];
  if (!inUserNamespace()) return [];
  const subject = "user namespace";
  if (ownUid("vmm", 1) !== 0)
    return [{ status: "ok", subject, fact: "has uids that a VMM can have for itself" }];
  const fact = "has one uid alone, so that VMMs have the caller's";
  const advice = "give the user more (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER)";
  return [{ status: "warning", subject, fact, advice }];
}

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
