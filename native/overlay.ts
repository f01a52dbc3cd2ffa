/** Folders laid over one another (overlay, fsopen(2)), to be read only. */
import { dlopen } from "bun:ffi";
import { check, cString, type Descriptor, LIBC, once, owned } from "./libc.ts";
import { openDetached } from "./mounts.ts";
import { openRoot } from "./tree-files.ts";

const calls = {
  open: once(
    () => dlopen(LIBC, { syscall: { args: ["i64", "ptr", "i64"], returns: "i64" } }).symbols.syscall,
  ),
  configure: once(
    () =>
      dlopen(LIBC, { syscall: { args: ["i64", "i64", "i64", "ptr", "ptr", "i64"], returns: "i64" } }).symbols
        .syscall,
  ),
  mount: once(
    () => dlopen(LIBC, { syscall: { args: ["i64", "i64", "i64", "i64"], returns: "i64" } }).symbols.syscall,
  ),
};

/** A mount of its own of these folders, the uppermost first. Throws an Error with `code`. */
export function openOverlay(layers: readonly string[]): Descriptor {
  const [only = ""] = layers;
  if (layers.length < 2) return openDetached(only, { recursive: true });
  using opened = new DisposableStack();
  // The kernel takes 256 bytes here, and a path may have a colon.
  const folders = layers.map((layer) => `/proc/self/fd/${opened.use(openRoot(layer)).fd}`);
  const CLOEXEC = 1;
  const READ_ONLY = 0xf;
  const context = opened.use(owned(check(calls.open()(430n, cString("overlay"), CLOEXEC), "fsopen")));
  configure(context.fd, SET_STRING, "lowerdir", folders.join(":"));
  configure(context.fd, CREATE, null, null);
  return owned(check(calls.mount()(432n, context.fd, CLOEXEC, READ_ONLY), "fsmount"));
}

const SET_STRING = 1;
const CREATE = 6;

function configure(fd: number, command: number, key: string | null, value: string | null): void {
  const text = (each: string | null) => (each === null ? null : cString(each));
  check(calls.configure()(431n, fd, command, text(key), text(value), 0), "fsconfig");
}
