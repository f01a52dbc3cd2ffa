import { callersEnvironment } from "../../native/environment.ts";
import { readText } from "../../native/files.ts";
import { execute, limitFiles } from "../../native/process.ts";
import { UnikrunError } from "../error.ts";
import { askOther, otherRuntime } from "./other-runtime.ts";
import type { Report } from "./report.ts";

/** Puts that runtime in our place, with the arguments that we were given; `root` is --root, given or not (its own default is another). */
export async function delegate(root: string, argv: readonly string[]): Promise<never> {
  const runtime = await otherRuntime();
  restoreFileLimit();
  try {
    return execute(runtime, [runtime, "--root", root, ...argv], callersEnvironment());
  } catch (cause) {
    throw new UnikrunError(
      `The runtime ${runtime} for what is not a unikernel can't be run: see "runtime" in /etc/unikrun/config.json.`,
      { cause },
    );
  }
}

/** Bun raised our limit, and a container without limits of its own would inherit that: take our caller's. */
function restoreFileLimit(): void {
  const limits = readText(`/proc/${process.ppid}/limits`);
  const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(limits) ?? [];
  if (soft && hard) limitFiles(BigInt(soft), BigInt(hard));
}

/** The containers that the other runtime has below the same root; none where there is no such runtime. */
export async function listOthers(root: string): Promise<Report[]> {
  const text = (await askOther("--root", root, "list", "--format", "json"))?.trim();
  return text ? ((JSON.parse(text) as Report[] | null) ?? []) : [];
}
