/** What engines keep on this host, as far as it is there and can be read. */
import { exists, listFolder, readTextOrNull } from "../../native/files.ts";

/** Sorted; none where there is no such folder. */
export function pathsIn(folder: string): string[] {
  try {
    return listFolder(folder)
      .sort()
      .map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

/** An engine's drop-ins in a folder, in their order: paths below `root`. */
export const dropInsIn = (root: string, folder: string): string[] =>
  (exists(root + folder) ? listFolder(root + folder).sort() : [])
    .filter((name) => name.endsWith(".conf"))
    .map((name) => `${folder}/${name}`);

export const readParsed = (file: string): unknown => parsed(readTextOrNull(file));

/** Null for what is no JSON. */
export function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

/** dockerd's own where daemon.json names no other. */
const DOCKER = { "exec-root": "/run/docker", "data-root": "/var/lib/docker" };

export function dockerFolder(setting: keyof typeof DOCKER): string {
  const settings = readParsed("/etc/docker/daemon.json") as Record<string, unknown> | null;
  const value = settings?.[setting];
  return typeof value === "string" && value.startsWith("/") ? value : DOCKER[setting];
}
