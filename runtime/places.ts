/** Where on the host unikrun has what is more than one container's: the system's places, or those of a rootless engine's user. */
import { inUserNamespace } from "../native/user-namespace.ts";
import { UnikrunError } from "./error.ts";

/** Whether it is not the host's own root that calls: in a user namespace there is a root that is another (user_namespaces(7)). */
export const isRootless = (): boolean => process.geteuid?.() !== 0 || inUserNamespace();

export const SYSTEM_ROOT = "/run/unikrun";

/** The user's $XDG_RUNTIME_DIR; undefined where the system's places are ours, as to root in a container that has a user namespace. */
export function usersFolder(): string | undefined {
  const { XDG_RUNTIME_DIR: folder, USER: user } = process.env;
  const isUsers = folder?.startsWith("/") && isRootless() && (process.geteuid?.() !== 0 || user !== "root");
  return isUsers ? folder : undefined;
}

const inUsersFolder = (name: string): string => `${usersFolder() ?? "/run"}/${name}`;

/** The default of --root, where runc (main.go) has its own. */
export const defaultRoot = (): string => inUsersFolder("unikrun");

/** What is known of the host until its next boot. */
export const hostCache = (): string => inUsersFolder("unikrun-host");

/** Disks of volumes and of read-only files; `store` is what the host's settings say, which only root can write. */
export function storeFolder(store = "/var/lib/unikrun"): string {
  if (usersFolder() === undefined) return store;
  const { XDG_DATA_HOME: data, HOME: home } = process.env;
  if (data?.startsWith("/")) return `${data}/unikrun`;
  if (home?.startsWith("/")) return `${home}/.local/share/unikrun`;
  throw new UnikrunError(
    "There is no place for the disks of guests, since HOME is not set: have the engine called with it.",
  );
}
