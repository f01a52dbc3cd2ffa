import { debug, warn } from "../../log.ts";
import { USUAL_RLIMITS } from "../engines/every-container.ts";
import type { Rlimit } from "../spec/oci.ts";

/** Says which limits of process.rlimits the program won't have: a unikernel's kernel knows none, and its VMM would break by them. */
export async function tellUnusedLimits(id: string, rlimits: readonly Rlimit[] = []): Promise<void> {
  const line = (types: readonly string[]) =>
    `Container ${id}: process.rlimits has no effect (${types.join(", ")}): these limits are a program's, and a unikernel has none of them; --memory, --cpus and --pids-limit hold for the whole machine.`;
  const types = rlimits.map(({ type }) => type);
  const asked = types.filter((type) => !USUAL_RLIMITS.includes(type));
  if (asked.length > 0) await warn(line(types));
  else if (types.length > 0) await debug(() => [line(types)]);
}
