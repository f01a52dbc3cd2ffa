import { readTextOrNull } from "../../native/files.ts";
import { inUserNamespace } from "../../native/user-namespace.ts";
import { UnikrunError } from "../error.ts";
import { type Accelerator, whyNoDevice } from "./accelerator.ts";
import { judgeKvm, type Probe } from "./probe.ts";
import type { Verdict } from "./trial.ts";
import { virtualization } from "./virtualization.ts";

export interface Choice {
  readonly accelerator: Accelerator;
  readonly emulated?: Emulated;
  /** Nobody has been told of it since the host booted. */
  readonly isNews: boolean;
}

export interface Emulated {
  /** A sentence without its stop. */
  readonly why: string;
  /** What to do about it. */
  readonly advice: string;
}

/** `wanted` is the operator's word; what is forced is not tried. Throws UnikrunError where KVM is wanted and there is none. */
export async function chooseAccelerator(
  probe: Probe,
  wanted: "auto" | Accelerator | undefined,
): Promise<Choice> {
  if (wanted === "tcg") {
    const why = 'guests are emulated (TCG), which is many times slower than KVM, as "accelerator" says';
    const advice =
      'where KVM works (unikrun check), take "accelerator" out of /etc/unikrun/config.json, or out of the annotation';
    return { accelerator: "tcg", emulated: { why, advice }, isNews: false };
  }
  if (wanted === "kvm") {
    const missing = whyNoDevice();
    if (missing) throw new UnikrunError(`KVM can't be used, as ${missing}${ADVICE}.`);
    return { accelerator: "kvm", isNews: false };
  }
  const { verdict, isNews } = await judgeKvm(probe);
  if (verdict.kind === "good") return { accelerator: "kvm", isNews };
  const emulated = { why: emulatedAs(verdict), advice: adviceFor(verdict) };
  return { accelerator: "tcg", emulated, isNews };
}

function emulatedAs({ kind, why }: Exclude<Verdict, { kind: "good" }>): string {
  switch (kind) {
    case "broken":
      return `KVM does not work here, as ${why}: guests are emulated (TCG), which is many times slower`;
    case "slow":
      return `KVM is slower than emulation here, as ${why}: guests are emulated (TCG)`;
    case "undecided":
      return `KVM could not be tried, as ${why}: guests are emulated (TCG) until a later create has tried it`;
  }
}

/** What to do about KVM that is of no use. */
export function adviceFor(
  { kind, why }: Exclude<Verdict, { kind: "good" }>,
  cpuinfo = readTextOrNull("/proc/cpuinfo") ?? "",
): string {
  if (kind === "undecided") return "try again when this host is less busy (unikrun check)";
  if (inUserNamespace() && /can't be opened|denied/.test(why))
    return "put the user into the group that may open it (usermod --append --groups kvm USER), and have him log in anew";
  if (/can't be opened/.test(why))
    return "allow this system its device 10:232 (docker run --device /dev/kvm)";
  const { extension, isGuest } = virtualization(cpuinfo);
  if (extension === undefined)
    return isGuest
      ? "this host is a guest itself: switch nested virtualization on for it, or use one that has VT-x or AMD-V"
      : "switch VT-x or AMD-V on in the firmware's setup, or use a host that has one of them";
  if (kind === "slow") return "a host that is no guest itself, or is less deeply nested, has a faster KVM";
  if (/there is no|has nothing behind/.test(why))
    return `modprobe ${extension === "vmx" ? "kvm_intel" : "kvm_amd"}`;
  return "see what QEMU says, and dmesg";
}

/** Behind the error of a machine that was told to use KVM. */
const ADVICE =
  ', and "accelerator" allows nothing else: set it to auto (in /etc/unikrun/config.json, or the annotation), and guests are emulated where KVM does not work';

/** The VMM's words on why it did not start, with what to do if that is KVM's doing. */
export const withAdvice = (trouble: string, accelerator: Accelerator): string =>
  accelerator === "kvm" && /kvm/i.test(trouble) ? `${trouble}${ADVICE}` : trouble;
