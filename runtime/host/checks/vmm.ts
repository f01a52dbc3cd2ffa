/** The VMM: QEMU, its firmware, and what it runs guests on. */
import { exists } from "../../../native/files.ts";
import type { HostSettings } from "../../container/settings.ts";
import { reasonOf } from "../../error.ts";
import { whyNotKvm } from "../../machine/accelerator.ts";
import { chooseAccelerator, probeHost } from "../../machine/probe.ts";
import { findQemu, listQemuFiles } from "../../machine/qemu.ts";
import { versionOf } from "../engines.ts";
import type { Finding } from "../finding.ts";

/** Boots a trial guest, as root; takes up to 5 s. */
export function checkVmm(settings: HostSettings, isRoot: boolean): Finding[] {
  const subject = "QEMU";
  try {
    const qemu = findQemu(settings.qemu);
    const { needed } = listQemuFiles(qemu);
    return [
      judgeQemu(qemu, versionOf(qemu)),
      judgeFirmware(needed),
      isRoot ? checkKvm(qemu, settings) : unasked(settings),
    ];
  } catch (error) {
    return [{ status: "missing", subject, fact: reasonOf(error), essential: true }];
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

/** `folders` are those that QEMU looks for firmware in. */
export function judgeFirmware(folders: readonly string[]): Finding {
  const subject = "firmware";
  const has = (name: string): boolean => folders.some((folder) => exists(`${folder}/${name}`));
  const lacks = [
    ...(has("bios-256k.bin") ? [] : ["SeaBIOS (bios-256k.bin)"]),
    // What boots a multiboot kernel, by DMA or without.
    ...(has("multiboot_dma.bin") || has("multiboot.bin") ? [] : ["QEMU's loader of kernels (multiboot.bin)"]),
  ];
  if (lacks.length === 0) return { status: "ok", subject, fact: "SeaBIOS and QEMU's loader of kernels" };
  return {
    status: "missing",
    subject,
    fact: `QEMU finds no ${lacks.join(", and no ")}`,
    advice: "install them (Debian: apt-get install seabios qemu-system-data)",
    essential: true,
  };
}

function checkKvm(qemu: string, settings: HostSettings): Finding {
  const probe = probeHost(qemu);
  const { accelerator } = chooseAccelerator(probe, settings.accelerator);
  const trouble = probe.host.kvmTrouble;
  const isStale = trouble !== null && !probe.isNews && whyNotKvm(qemu, "/run/unikrun-host") === null;
  return judgeKvm({ accelerator, trouble, isStale });
}

/** `trouble` is why KVM does not work, by the answer that is kept; `isStale` if it does now. */
export function judgeKvm(kvm: {
  accelerator: "kvm" | "tcg";
  trouble: string | null;
  isStale: boolean;
}): Finding {
  const subject = "KVM";
  const { accelerator, trouble, isStale } = kvm;
  if (isStale) {
    const advice = "rm /run/unikrun-host/vmm.json, so that the next start asks again";
    return { status: "warning", subject, fact: "works, but did not when it was first tried", advice };
  }
  if (trouble === null)
    return accelerator === "kvm"
      ? { status: "ok", subject, fact: "a trial guest boots on it" }
      : {
          status: "warning",
          subject,
          fact: "works, but the host's settings say tcg, so guests are emulated",
          advice: 'take "accelerator" out of /etc/unikrun/config.json',
        };
  if (accelerator === "kvm")
    return {
      status: "missing",
      subject,
      fact: `${trouble}, and the host's settings say that there is nothing else`,
      advice: 'take "accelerator" out of /etc/unikrun/config.json, to have guests emulated',
      essential: true,
    };
  return {
    status: "warning",
    subject,
    fact: `${trouble}; guests are emulated (TCG), which is many times slower`,
    advice: exists("/dev/kvm")
      ? "switch virtualization on in the firmware, or nested for this host if it is a guest"
      : "modprobe kvm_intel (or kvm_amd)",
  };
}

function unasked({ accelerator = "auto" }: HostSettings): Finding {
  const fact = `was not tried, since that takes root (the host's settings say ${accelerator})`;
  return { status: "warning", subject: "KVM", fact, advice: "run unikrun check as root" };
}
