/** Where the process may not make code at run time, Bun has no way to call the system; the rest of it works. */
import { readFileSync } from "node:fs";

/** What JavaScriptCore reserves for code, and more, in bytes. */
const ENOUGH = 4 * 2 ** 30;

/** The sentence for an error of bun:ffi's that says so; null for any other. */
export function whyNoCalls(error: TypeError): string | null {
  if (!error.message.includes("requires the JIT")) return null;
  const small = limits().find(({ bytes }) => bytes < ENOUGH);
  if (small) {
    return `unikrun can't run with a limit of ${small.bytes} bytes on its ${small.name}: raise that of the service that calls it to ${ENOUGH} or more, or take it away (${small.setting}=infinity in its systemd unit).`;
  }
  return "unikrun can't run where no memory may be both written and executed: set MemoryDenyWriteExecute=no in the systemd unit of the service that calls it.";
}

const LIMITS = [
  { name: "address space", setting: "LimitAS" },
  { name: "data size", setting: "LimitDATA" },
];

function limits(): { name: string; setting: string; bytes: number }[] {
  const text = readFileSync("/proc/self/limits", "utf8");
  return LIMITS.map((limit) => {
    const [, soft = "unlimited"] = new RegExp(`^Max ${limit.name} +(\\d+)`, "m").exec(text) ?? [];
    return { ...limit, bytes: soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft) };
  });
}
