/** Whether the host's own root calls. Without it there are Linux containers, by user namespaces, but no machines yet. */
import { makeFolder, readTextOrNull } from "../../../native/files.ts";
import { UnikrunError } from "../../error.ts";

/** In a user namespace there is a root that is not the host's (user_namespaces(7)). */
export const isRootless = (): boolean => process.geteuid?.() !== 0 || isInUserNamespace();

function isInUserNamespace(): boolean {
  const map = readTextOrNull("/proc/self/uid_map");
  return map !== null && map.trim().split(/\s+/).join() !== "0,0,4294967295";
}

const SYSTEM_ROOT = "/run/unikrun";

/** The default of --root, where runc (main.go) has its own. */
export function defaultRoot(): string {
  const { XDG_RUNTIME_DIR: folder, USER: user } = process.env;
  const isUsers = folder?.startsWith("/") && isRootless() && (process.geteuid?.() !== 0 || user !== "root");
  return isUsers ? `${folder}/unikrun` : SYSTEM_ROOT;
}

/**
 * Makes that folder where it is in $XDG_RUNTIME_DIR. The sticky bit says that it is not to be cleaned away because nobody
 * used it for six hours (XDG Base Directory Specification).
 */
export function keepUsersFolder(root: string): void {
  if (root === SYSTEM_ROOT) return;
  try {
    makeFolder(root, 0o1700);
  } catch {
    // It is there, or the other runtime says why it can't be.
  }
}

export function refuseRootless(id: string): void {
  if (!isRootless()) return;
  throw new UnikrunError(
    `Container ${id}: it is a unikernel, and those can't be run without the host's root yet, which this rootless engine has not: run it by the system's engine (sudo podman run, or docker in its default context).`,
  );
}
