import type { Resources } from "../spec/oci.ts";
import type { Cgroup } from "./cgroup.ts";

/** Where the kernel says for how long a CPU limit held the cgroup up; undefined where it has none from the beginning. */
export function throttlingFile(
  { folderOf }: Pick<Cgroup, "folderOf">,
  { cpu }: Resources,
): string | undefined {
  const folder = (cpu?.quota ?? 0) > 0 ? folderOf("cpu") : undefined;
  return folder && `${folder}/cpu.stat`;
}
