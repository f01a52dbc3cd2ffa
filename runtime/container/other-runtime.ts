/** The OCI runtime for what is not a unikernel: where it is, and what it says. */
import { exists } from "../../native/files.ts";
import { UnikrunError } from "../error.ts";
import { hostSettings } from "./settings.ts";

const NAMES = ["runc", "crun"];
const FOLDERS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/** The host's setting `runtime`, or the first that is installed; the caller's PATH counts last, as a rootless engine's own folder is there. */
export async function otherRuntime(): Promise<string> {
  const path = (await hostSettings()).runtime ?? installed();
  if (path) return path;
  throw new UnikrunError(
    `What this container runs is not a unikernel, and there is neither runc nor crun on this host to run it: install one (Debian: apt-get install runc), or set "runtime" in /etc/unikrun/config.json to its path.`,
  );
}

function installed(): string | undefined {
  const onPath = (process.env.PATH ?? "").split(":").filter((folder) => folder.startsWith("/"));
  return NAMES.flatMap((name) => [...FOLDERS, ...onPath].map((folder) => `${folder}/${name}`)).find((place) =>
    exists(place),
  );
}

/** What it prints; null where there is none, or where it fails. */
export async function askOther(...args: readonly string[]): Promise<string | null> {
  const runtime = await otherRuntime().catch(() => null);
  if (runtime === null || !exists(runtime)) return null;
  // What it says on stderr, as of our containers' folders, is of no use to anybody.
  const { exitCode, stdout } = Bun.spawnSync({
    cmd: [runtime, ...args],
    stdin: "ignore",
    stderr: "ignore",
    timeout: 10_000,
  });
  return exitCode === 0 ? stdout.toString() : null;
}
