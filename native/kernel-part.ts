/** Parts of the kernel that a question to them would load. */
import { exists, readText, readTextOrNull } from "./files.ts";
import { errorCode } from "./libc.ts";

/** Of a kernel without that part. */
const MISSING = new Set(["EPROTONOSUPPORT", "EAFNOSUPPORT", "EINVAL", "EOPNOTSUPP"]);

/** What a part of the kernel answers to `ask`; nothing where it is not there, or a module that nobody has needed yet. */
export function askPart<Answer>(module: string, ask: () => Answer[]): Answer[] {
  if (!mayBeThere(module)) return [];
  try {
    return ask();
  } catch (error) {
    if (MISSING.has(errorCode(error))) return [];
    throw error;
  }
}

/** What is built in need not be in /sys/module. */
function mayBeThere(module: string): boolean {
  if (exists(`/sys/module/${module}`) || !exists("/proc/modules")) return true;
  const release = readText("/proc/sys/kernel/osrelease").trim();
  const builtIn = readTextOrNull(`/lib/modules/${release}/modules.builtin`);
  return builtIn === null || builtIn.includes(`/${module}.ko`);
}
