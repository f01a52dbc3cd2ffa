/**
 * What engines write into every container's config.json, whatever its user wants. Nobody asked for it, so a unikernel is run without
 * it, where a thing that somebody asked for is refused or told.
 */

/** Docker, containerd, Podman and CRI: what programs on Linux need. */
const LINUX_TYPES = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"];
/** The last is Podman's mark of a container. */
const LINUX_PLACES = /^\/(dev|proc|sys)(\/|$)|^\/run\/\.containerenv$/;

/** `destination` is absolute, without "..". containerd has a tmpfs at /run. */
export const isUsualMount = ({ type = "" }: { readonly type?: string }, destination: string): boolean =>
  LINUX_TYPES.includes(type) ||
  LINUX_PLACES.test(destination) ||
  (destination === "/run" && type === "tmpfs");

/**
 * Podman mounts a folder of its own here, for writing, and each secret as a file into it; of a disk that the guest writes the files
 * could be no part.
 */
export const isFolderOfSecrets = (destination: string, all: readonly string[]): boolean =>
  destination === "/run/secrets" && all.some((each) => each.startsWith("/run/secrets/"));

/** Podman and ctr. */
export const USUAL_RLIMITS: readonly string[] = ["RLIMIT_NOFILE", "RLIMIT_NPROC"];
