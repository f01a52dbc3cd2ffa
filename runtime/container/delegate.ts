import { callersEnvironment } from "../../native/environment.ts";
import { exists, readText } from "../../native/files.ts";
import { execute, limitFiles } from "../../native/process.ts";
import { UnikrunError } from "../error.ts";
import type { Report } from "./report.ts";
import { hostSettings } from "./settings.ts";

const PLACES = ["runc", "crun"].flatMap((name) =>
  ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"].map((folder) => `${folder}/${name}`),
);

/** The OCI runtime for what is not a unikernel: the host's setting `runtime`, or the first that is installed. */
export async function otherRuntime(): Promise<string> {
  const path = (await hostSettings()).runtime ?? PLACES.find((place) => exists(place));
  if (path) return path;
  throw new UnikrunError(
    `What this container runs is not a unikernel, and there is neither runc nor crun on this host to run it: install one (Debian: apt-get install runc), or set "runtime" in /etc/unikrun/config.json to its path.`,
  );
}

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
  let runtime: string;
  try {
    runtime = await otherRuntime();
  } catch {
    return [];
  }
  // What it says of our containers' folders, on stderr, is of no use to anybody.
  const list = Bun.spawnSync({
    cmd: [runtime, "--root", root, "list", "--format", "json"],
    stdin: "ignore",
    stderr: "ignore",
  });
  const text = list.stdout.toString().trim();
  return text ? ((JSON.parse(text) as Report[] | null) ?? []) : [];
}
