import { readHostFile } from "../container/settings/host.ts";
import type { Accelerator } from "../machine/accelerator.ts";
import { rememberedProbe } from "../machine/probe.ts";
import { findQemu } from "../machine/qemu.ts";

/** What guests get here, without a trial of KVM: unknown until the first create after a boot. */
export async function knownAccelerator(): Promise<Accelerator | "unknown"> {
  try {
    const { accelerator = "auto", qemu } = (await readHostFile()).settings;
    if (accelerator !== "auto") return accelerator;
    const verdict = rememberedProbe(findQemu(qemu))?.kvm;
    if (!verdict) return "unknown";
    return verdict.kind === "good" ? "kvm" : "tcg";
  } catch {
    // Wrong settings and a missing QEMU are told by those who need them.
    return "unknown";
  }
}
