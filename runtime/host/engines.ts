/** The engines of a host: whether they are there, their versions, and the files that name their runtimes. */
import { exists, readTextOrNull } from "../../native/files.ts";
import { commandOnHost } from "../../native/program-tree.ts";
import { UnikrunError } from "../error.ts";
import type { ConfigFormat, Entry } from "./config-format.ts";
import { containerdFormat } from "./containerd-config.ts";
import { crioFiles, crioFormat } from "./crio-config.ts";
import { dockerFormat } from "./docker-config.ts";
import { k3sFiles, k3sFormat } from "./k3s-config.ts";
import { podmanFiles, podmanFormat } from "./podman-config.ts";

export const ENGINES = ["docker", "containerd", "podman", "k3s", "crio"] as const;
export type EngineName = (typeof ENGINES)[number];

export interface Engine {
  readonly name: EngineName;
  /** "28.2.2"; null where it can't be asked, as in an image of a system. */
  readonly version: string | null;
  /** Absolute paths; the first is the one to write. */
  readonly files: readonly string[];
  readonly format: ConfigFormat;
}

/** What each engine's package brings. */
const PROGRAMS: Readonly<Record<EngineName, string>> = {
  docker: "dockerd",
  containerd: "containerd",
  podman: "podman",
  k3s: "k3s",
  crio: "crio",
};

const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The absolute path of a program below `root`, without it; null where there is none. */
export function findProgram(root: string, name: string): string | null {
  const folder = FOLDERS.find((each) => exists(`${root}${each}/${name}`));
  return folder === undefined ? null : `${folder}/${name}`;
}

export function findEngine(root: string, name: EngineName): Engine | null {
  const program = findProgram(root, PROGRAMS[name]);
  return program === null ? null : engineOf(root, name, root === "" ? versionOf(program) : null);
}

/** Those that `names` are the names of, or those that are there. Throws UnikrunError for another name. */
export function chooseEngines(root: string, names: readonly string[]): readonly Engine[] {
  const wrong = names.find((name) => !ENGINES.some((each) => each === name));
  if (wrong !== undefined)
    throw new UnikrunError(
      `There is no engine ${JSON.stringify(wrong)} that unikrun knows: it can be ${ENGINES.join(", ")}.`,
    );
  if (names.length > 0)
    return ENGINES.filter((name) => names.includes(name)).map(
      (name) => findEngine(root, name) ?? engineOf(root, name, null),
    );
  const found = ENGINES.flatMap((name) => findEngine(root, name) ?? []);
  if (found.length > 0) return found;
  throw new UnikrunError(
    `There is no engine on this host (looked for ${Object.values(PROGRAMS).join(", ")} in ${FOLDERS.map((folder) => root + folder).join(", ")}): install one, or name the one that is to come, as in unikrun install docker.`,
  );
}

function engineOf(root: string, name: EngineName, version: string | null): Engine {
  const major = version === null ? null : Number.parseInt(version, 10);
  switch (name) {
    case "docker":
      return { name, version, files: ["/etc/docker/daemon.json"], format: dockerFormat };
    case "containerd":
      // containerd 2 reads files of version 2 as well.
      return {
        name,
        version,
        files: ["/etc/containerd/config.toml"],
        format: containerdFormat((major ?? 1) >= 2 ? 3 : 2),
      };
    case "podman":
      return { name, version, files: podmanFiles(root, major), format: podmanFormat };
    case "k3s":
      return { name, version, files: k3sFiles(root), format: k3sFormat(root) };
    case "crio":
      return { name, version, files: crioFiles(root), format: crioFormat };
  }
}

/** The first number with dots that the program prints; null where it prints none. */
export function versionOf(program: string): string | null {
  const { stdout } = Bun.spawnSync({
    cmd: [...commandOnHost(program), "--version"],
    stdin: "ignore",
    stderr: "ignore",
    timeout: 5000,
  });
  // "v2" alone is a part of containerd's path.
  return /(?<![\d.])\d+\.\d+(?:\.\d+)*/.exec(stdout.toString())?.[0] ?? null;
}

/** Whether an entry stands for a unikrun, under whatever name: for this one, or for one at another place. */
export const isThisRuntime = ({ binary }: Entry): boolean =>
  binary !== null && (binary === process.execPath || /\/unikrun[^/]*$/.test(binary));

/** dockerd does not start where its command line and daemon.json both have runtimes: the file that has the command line. */
export function runtimesFlagFile(root: string): string | null {
  const files = [
    ...["/etc/systemd/system/docker.service", "/lib/systemd/system/docker.service"],
    ...["/etc/systemd/system/docker.service.d/override.conf", "/etc/default/docker", "/etc/sysconfig/docker"],
  ];
  const hasFlag = (file: string): boolean =>
    /^[^#\n]*--add-runtime\b/m.test(readTextOrNull(`${root}${file}`) ?? "");
  return files.find(hasFlag) ?? null;
}
