/** What the VMM is and has in its cage (native/init/cage), a container's and a trial's alike. */
import type { Directive } from "../../native/directives.ts";
import { programDirectives } from "../../native/program-files.ts";
import type { Accelerator } from "./accelerator.ts";
import type { Host } from "./qemu.ts";

/** What of the host the VMM has in its cage. */
export const vmmFiles = ({ files }: Pick<Host, "files">, accelerator: Accelerator | "none"): Directive[] => [
  ...programDirectives(files),
  ...(accelerator === "kvm" ? [["device", "dev/kvm /dev/kvm"] as const] : []),
];
