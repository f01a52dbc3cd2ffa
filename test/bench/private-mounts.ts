import { dlopen } from "bun:ffi";
import { mkdirSync } from "node:fs";

const CLONE_NEWNS = 0x20000;
const MS_PRIVATE_REC = (1 << 18) | (1 << 14);
const MS_BIND = 1 << 12;
const MNT_DETACH = 2;

const STORE = "/var/lib/unikrun";

/** Gives this process mounts of its own, without the empty cgroup2 hierarchy of a hybrid host, and with `store` for the runtime's. */
export function enterPrivateMounts(store: string): void {
  const { symbols } = dlopen("libc.so.6", {
    unshare: { args: ["i32"], returns: "i32" },
    mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
    umount2: { args: ["ptr", "i32"], returns: "i32" },
  });
  const text = (value: string): Buffer => Buffer.from(`${value}\0`);
  if (symbols.unshare(CLONE_NEWNS) !== 0) throw new Error("the bench needs to be root");
  symbols.mount(text("none"), text("/"), null, MS_PRIVATE_REC, null);
  for (const path of [store, STORE]) mkdirSync(path, { recursive: true });
  symbols.mount(text(store), text(STORE), null, MS_BIND, null);
  symbols.umount2(text("/sys/fs/cgroup/unified"), MNT_DETACH);
}
