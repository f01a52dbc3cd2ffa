/** File systems that are mounted nowhere yet (fsopen(2)): whoever has the descriptor can look into one, or mount it. */
import { dlopen } from "bun:ffi";
import { check, cString, type Descriptor, LIBC, once, owned } from "./libc.ts";

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

/** Of a mount (mount_setattr(2)). */
export const MOUNT_READ_ONLY = 1;
export const MOUNT_NO_SUID = 2;
export const MOUNT_NO_DEVICES = 4;
export const MOUNT_NO_EXEC = 8;

/** Throws an Error with `code`. */
export function openNewMount(
  type: string,
  options: Readonly<Record<string, string>>,
  attributes: number,
): Descriptor {
  const CLOEXEC = 1;
  const SET_STRING = 1;
  const CREATE = 6;
  using context = owned(check(calls.open()(430n, cString(type), CLOEXEC), "fsopen"));
  const configure = (command: number, key: string | null, value: string | null): void => {
    const text = (each: string | null) => (each === null ? null : cString(each));
    check(calls.configure()(431n, context.fd, command, text(key), text(value), 0), "fsconfig");
  };
  for (const [key, value] of Object.entries(options)) configure(SET_STRING, key, value);
  configure(CREATE, null, null);
  return owned(check(calls.mount()(432n, context.fd, CLOEXEC, attributes), "fsmount"));
}
