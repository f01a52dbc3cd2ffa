/** What the VMM is and has in its cage (native/init/cage), a container's and a trial's alike. */
import type { Directive } from "../../native/directives.ts";
import { statusOrNull } from "../../native/files.ts";
import { programDirectives } from "../../native/program-files.ts";
import { inUserNamespace } from "../../native/user-namespace.ts";
import type { Accelerator } from "./accelerator.ts";
import type { Host } from "./qemu.ts";

/** What of the host the VMM has in its cage. */
export const vmmFiles = ({ files }: Pick<Host, "files">, accelerator: Accelerator | "none"): Directive[] => [
  ...programDirectives(files),
  ...(accelerator === "kvm" ? kvmDirectives() : []),
];

/**
 * In a user namespace the VMM has the host's node, as nobody makes one there, and may open it by what others may, or by a group of
 * the user's, which can't be told from his others. In its cage there is nothing else that a group could open.
 */
export function kvmDirectives(): Directive[] {
  const OTHERS = 0o006;
  const node = statusOrNull("/dev/kvm");
  const isByGroup = inUserNamespace() && node !== null && (node.mode & OTHERS) !== OTHERS;
  return [["device", "dev/kvm /dev/kvm"], ...(isByGroup ? [["keep-groups", ""] as const] : [])];
}
