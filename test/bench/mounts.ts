/** What the bench's runtimes see of this host: mounts of our own, and for each build the folders that it keeps. */
import { dlopen } from "bun:ffi";
import { existsSync, mkdirSync } from "node:fs";

const CLONE_NEWNS = 0x20000;
const MS_PRIVATE_REC = (1 << 18) | (1 << 14);
const MS_BIND = 1 << 12;
const MNT_DETACH = 2;

/** Where a build keeps volumes' disks, and what it found out about the host. */
const KEPT = ["/var/lib/unikrun", "/run/unikrun-host"];

const { symbols } = dlopen("libc.so.6", {
  unshare: { args: ["i32"], returns: "i32" },
  mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
  umount2: { args: ["ptr", "i32"], returns: "i32" },
});

const text = (value: string): Buffer => Buffer.from(`${value}\0`);

const UNIFIED = "/sys/fs/cgroup/unified";

/**
 * Gives this process mounts of its own, without the empty cgroup2 hierarchy of a hybrid host, which crun refuses. It makes folders there
 * all the same, and leaves them: they go with a tmpfs of ours, and don't fill the host's.
 */
export function enterPrivateMounts(): void {
  if (symbols.unshare(CLONE_NEWNS) !== 0) throw new Error("the bench needs to be root");
  symbols.mount(text("none"), text("/"), null, MS_PRIVATE_REC, null);
  if (symbols.umount2(text(UNIFIED), MNT_DETACH) === 0)
    symbols.mount(text("none"), text(UNIFIED), text("tmpfs"), 0, null);
}

/** Guests are emulated from here on, by every build, whatever it thinks of the host's KVM. */
export function hideKvm(): void {
  if (existsSync("/dev/kvm")) bind("/dev/null", "/dev/kvm");
}

let hasKept = false;

/** From here on runtimes find in their places what the build of this name keeps: another may write it in another way. */
export function useKeptOf(build: string, folder: string): void {
  for (const [index, place] of KEPT.entries()) {
    const kept = `${folder}/kept-${build}-${index}`;
    for (const path of [kept, place]) mkdirSync(path, { recursive: true });
    if (hasKept) symbols.umount2(text(place), MNT_DETACH);
    bind(kept, place);
  }
  hasKept = true;
}

function bind(source: string, target: string): void {
  if (symbols.mount(text(source), text(target), null, MS_BIND, null) !== 0)
    throw new Error(`${source} can't be mounted at ${target}`);
}
