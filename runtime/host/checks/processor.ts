import type { Finding } from "../finding.ts";

/** `cpuinfo` is the text of /proc/cpuinfo. */
export function checkProcessor(cpuinfo: string): Finding {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(" "));
  const subject = "processor";
  const name = flags.has("vmx") ? "VT-x (vmx)" : flags.has("svm") ? "AMD-V (svm)" : undefined;
  if (name) return { status: "ok", subject, fact: `has ${name}` };
  const advice = flags.has("hypervisor")
    ? "this host is a guest itself: switch nested virtualization on for it"
    : "switch VT-x or AMD-V on in the firmware's setup";
  return {
    status: "warning",
    subject,
    fact: "shows neither VT-x nor AMD-V, so KVM is slow, if there is any",
    advice,
  };
}
