import { dlopen } from "bun:ffi";
import { execute } from "../../native/process.ts";

/** What to put before a command, to run it as a service with MemoryDenyWriteExecute=yes (PR_SET_MDWE, Linux 6.3). */
export const denyWriteExecute = [process.execPath, import.meta.path];

const PR_SET_MDWE = 65;
const PR_MDWE_REFUSE_EXEC_GAIN = 1;

if (import.meta.main) {
  const { symbols } = dlopen("libc.so.6", {
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  });
  const [program = "", ...args] = process.argv.slice(2);
  if (symbols.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) !== 0)
    throw new Error("this kernel has no PR_SET_MDWE: Linux 6.3 does");
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const bytes = (words: readonly string[]): Buffer[] => words.map((word) => Buffer.from(word));
  execute(program, bytes([program, ...args]), bytes(environment));
}
