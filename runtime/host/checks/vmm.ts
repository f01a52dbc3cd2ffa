/** The VMM: QEMU, its firmware, and what it runs guests on. */
import { exists } from "../../../native/files.ts";
import type { HostSettings } from "../../container/settings/host.ts";
import { adviceFor } from "../../machine/choose-accelerator.ts";
import { probeHost, renewKvm } from "../../machine/probe.ts";
import { findQemu, firmwareFolders, listQemuFiles } from "../../machine/qemu.ts";
import type { Verdict } from "../../machine/trial.ts";
import { versionOf } from "../engines.ts";
import { canRun, type Finding, toldBy } from "../finding.ts";

interface VmmFindings {
  readonly findings: readonly Finding[];
  /** Of KVM; null where it was not tried. */
  readonly verdict: Verdict | null;
}

/** Tries KVM again, as root, whatever is remembered, and what comes out is remembered. */
export async function checkVmm(
  settings: HostSettings,
  isRoot: boolean,
  cpuinfo: string,
): Promise<VmmFindings> {
  const subject = "QEMU";
  try {
    const qemu = findQemu(settings.qemu);
    const folders = firmwareFolders(listQemuFiles(qemu));
    const first = [judgeQemu(qemu, versionOf(qemu)), judgeFirmware(folders, settings)];
    // What does not work by a QEMU that is too old says nothing of KVM.
    if (!canRun(first)) return { findings: first, verdict: null };
    if (!isRoot) return { findings: [...first, unasked(settings)], verdict: null };
    const verdict = await renewKvm(probeHost(qemu));
    return { findings: [...first, judgeKvm(verdict, settings, cpuinfo)], verdict };
  } catch (error) {
    const told = toldBy(error, "see whether that program is a whole QEMU (qemu-system-x86_64 --version)");
    return { findings: [{ status: "missing", subject, ...told, essential: true }], verdict: null };
  }
}

/** The first version with all that a machine is told. */
const OLDEST = { major: 7, minor: 2 };

export function judgeQemu(qemu: string, version: string | null): Finding {
  const subject = "QEMU";
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  const isNew = major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
  if (isNew) return { status: "ok", subject, fact: `${version}, ${qemu}` };
  return {
    status: "missing",
    subject,
    fact: `${qemu} is ${version ?? "of no version that it would tell"}; guests need 7.2 or newer`,
    advice: 'install a newer one, or set "qemu" in /etc/unikrun/config.json to its path',
    essential: true,
  };
}

const NAMES = { unikrun: "unikrun's own", seabios: "SeaBIOS" };

/** `folders` are those that QEMU looks for firmware in. Of the two that a machine can have, only SeaBIOS is QEMU's. */
export function judgeFirmware(
  folders: readonly string[],
  { firmware = "unikrun" }: Pick<HostSettings, "firmware">,
): Finding {
  const subject = "firmware";
  const has = (name: string): boolean => folders.some((folder) => exists(`${folder}/${name}`));
  const lacks = [
    ...(firmware === "unikrun" || has("bios-256k.bin") ? [] : ["SeaBIOS (bios-256k.bin)"]),
    // What boots a multiboot kernel, by DMA or without.
    ...(has("multiboot_dma.bin") || has("multiboot.bin") ? [] : ["QEMU's loader of kernels (multiboot.bin)"]),
  ];
  if (lacks.length === 0)
    return { status: "ok", subject, fact: `${NAMES[firmware]} and QEMU's loader of kernels` };
  return {
    status: "missing",
    subject,
    fact: `QEMU finds no ${lacks.join(", and no ")}`,
    advice: "install them (Debian: apt-get install seabios qemu-system-data)",
    essential: true,
  };
}

/** As a start judges, with what can be done about it. What the host's settings say is what somebody wants. */
export function judgeKvm(
  verdict: Verdict,
  { accelerator = "auto" }: Pick<HostSettings, "accelerator">,
  cpuinfo = "",
): Finding {
  const subject = "KVM";
  const isGood = verdict.kind === "good";
  if (accelerator === "tcg") {
    const fact = `${isGood ? "works" : FACTS[verdict.kind](verdict.why)}; the host's settings say tcg, so guests are emulated`;
    return { status: "ok", subject, fact };
  }
  if (isGood) return { status: "ok", subject, fact: "a trial guest is fast on it" };
  if (accelerator === "kvm") {
    const isEssential = verdict.kind === "broken";
    return {
      status: isEssential ? "missing" : "warning",
      subject,
      fact: `${FACTS[verdict.kind](verdict.why)}, and the host's settings allow nothing else`,
      advice: 'take "accelerator" out of /etc/unikrun/config.json, to have guests emulated',
      ...(isEssential ? { essential: true } : {}),
    };
  }
  const fact = `${FACTS[verdict.kind](verdict.why)}; guests are emulated (TCG)`;
  return { status: "warning", subject, fact, advice: adviceFor(verdict, cpuinfo) };
}

const FACTS: Readonly<Record<Exclude<Verdict["kind"], "good">, (why: string) => string>> = {
  broken: (why) => `does not work: ${why}`,
  slow: (why) => `is slower than emulation: ${why}`,
  undecided: (why) => `is not known: ${why}`,
};

function unasked({ accelerator = "auto" }: HostSettings): Finding {
  const subject = "KVM";
  if (accelerator === "tcg")
    return { status: "ok", subject, fact: "the host's settings say tcg, so guests are emulated" };
  const fact = `was not tried, since that takes root (the host's settings say ${accelerator})`;
  return { status: "warning", subject, fact, advice: "run unikrun check as root" };
}
