/** What is otherwise where the host's own root does not call. */
import { makeFolder } from "../../../native/files.ts";
import { UnikrunError } from "../../error.ts";
import { defaultRoot, SYSTEM_ROOT } from "../../places.ts";

/**
 * Makes the default of --root where it is in $XDG_RUNTIME_DIR. The sticky bit says that it is not to be cleaned away because nobody
 * used it for six hours (XDG Base Directory Specification).
 */
export function keepUsersFolder(root: string): void {
  if (root === SYSTEM_ROOT || root !== defaultRoot()) return;
  try {
    makeFolder(root, 0o1700);
  } catch {
    // It is there, or the other runtime says why it can't be.
  }
}

/** Engines make a user namespace first; an ordinary user outside of one has nothing that a machine needs. */
export function refuseOrdinaryUser(id: string): void {
  if (process.geteuid?.() === 0) return;
  throw new UnikrunError(
    `Container ${id}: it is a unikernel, and for those unikrun has to be called as root, or as root of a user namespace, as rootless engines do: have such an engine run it (podman run --runtime=unikrun), or call it inside of podman unshare.`,
  );
}
