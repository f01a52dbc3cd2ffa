import { exists } from "../../native/files.ts";
import { errorCode, O_RDWR, openPath, owned } from "../../native/libc.ts";
import { reasonOf } from "../error.ts";

export type Accelerator = "kvm" | "tcg";

/** Why we can't have /dev/kvm, as a clause; null where we can. What it is worth is another question (trial.ts). */
export function whyNoDevice(): string | null {
  if (!exists("/dev/kvm")) return "there is no /dev/kvm";
  try {
    owned(openPath("/dev/kvm", O_RDWR))[Symbol.dispose]();
    return null;
  } catch (error) {
    if (errorCode(error) === "ENODEV") return "the kernel has nothing behind /dev/kvm";
    return `/dev/kvm can't be opened (${reasonOf(error)})`;
  }
}
