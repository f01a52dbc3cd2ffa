import type { HostSettings } from "../../container/settings/host.ts";
import type { Verdict } from "../../machine/trial.ts";
import { virtualization } from "../../machine/virtualization.ts";
import type { Finding } from "../finding.ts";

const NAMES = { vmx: "VT-x (vmx)", svm: "AMD-V (svm)" };

/** Its flags only suggest what KVM is worth; the trial's `verdict`, null where there was none, knows. */
export function checkProcessor(
  cpuinfo: string,
  verdict: Verdict | null,
  { accelerator }: Pick<HostSettings, "accelerator"> = {},
): Finding {
  const subject = "processor";
  const { extension, isGuest } = virtualization(cpuinfo);
  if (extension) return { status: "ok", subject, fact: `has ${NAMES[extension]}` };
  const lacks = "shows neither VT-x nor AMD-V";
  if (verdict?.kind === "good") return { status: "ok", subject, fact: `${lacks}; KVM is fast all the same` };
  if (accelerator === "tcg")
    return { status: "ok", subject, fact: `${lacks}, nor do emulated guests need it` };
  const advice = isGuest
    ? "this host is a guest itself: switch nested virtualization on for it"
    : "switch VT-x or AMD-V on in the firmware's setup";
  const fact = verdict ? lacks : `${lacks}, without which KVM is slow as a rule`;
  return { status: "warning", subject, fact, advice };
}
