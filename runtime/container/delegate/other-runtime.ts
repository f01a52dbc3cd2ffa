/** The OCI runtime for what is not a unikernel: where it is, and what it says. */
import { exists, statusOrNull } from "../../../native/files.ts";
import { UnikrunError } from "../../error.ts";
import { runtimeSetting } from "../settings/host.ts";

/** In the order in which they are taken, with the file that each has in a container's folder. */
const KNOWN = [
  { name: "runc", record: "state.json" },
  { name: "crun", record: "status" },
];
const FOLDERS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/**
 * The host's setting `runtime`, or the first that is installed, but the one that made the container in `folder`, since another may
 * have come later. The caller's PATH counts last: a rootless engine's own folder is there. `complain` hears of a settings file that can't be
 * read, which is no reason not to run a container that has nothing to do with it.
 */
export async function otherRuntime(
  folder?: string,
  complain?: (sentence: string) => Promise<void>,
): Promise<string> {
  const { runtime, wrong } = await runtimeSetting();
  if (wrong !== undefined) await complain?.(wrong);
  const path = runtime ?? installed(folder);
  if (path) return path;
  throw new UnikrunError(
    `What this container runs is not a unikernel, and there is neither runc nor crun on this host to run it: install one (Debian: apt-get install runc), or set "runtime" in /etc/unikrun/config.json to its path.`,
  );
}

function installed(folder: string | undefined): string | undefined {
  const onPath = (process.env.PATH ?? "").split(":").filter((each) => each.startsWith("/"));
  const found = KNOWN.flatMap(({ name, record }) => {
    const places = [...FOLDERS, ...onPath].map((each) => `${each}/${name}`);
    const path = places.find((place) => exists(place) && !isThisProgram(place));
    return path ? [{ path, isMaker: folder !== undefined && exists(`${folder}/${record}`) }] : [];
  });
  return (found.find(({ isMaker }) => isMaker) ?? found[0])?.path;
}

/** Somebody may have put unikrun where runc was, and it would call itself for ever. */
function isThisProgram(path: string): boolean {
  const [own, other] = ["/proc/self/exe", path].map(statusOrNull);
  return own?.inode === other?.inode && own?.device === other?.device;
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
