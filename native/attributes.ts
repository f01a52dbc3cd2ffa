/** Extended attributes (xattr(7)): access control lists, labels, what users note. */
import { dlopen } from "bun:ffi";
import { check, cString, errorCode, LIBC, once } from "./libc.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      flistxattr: { args: ["i32", "ptr", "u64"], returns: "i64" },
      fgetxattr: { args: ["i32", "ptr", "ptr", "u64"], returns: "i64" },
      fsetxattr: { args: ["i32", "ptr", "ptr", "u64", "i32"], returns: "i32" },
      getxattr: { args: ["ptr", "ptr", "ptr", "u64"], returns: "i64" },
      setxattr: { args: ["ptr", "ptr", "ptr", "u64", "i32"], returns: "i32" },
    }).symbols,
);

/** Linux takes it away from a file that is written: it was for the program that stood there. */
const CAPABILITY = "security.capability";

/** A label that we may not give, or a file system that has none. */
const NOT_TAKEN = new Set(["EPERM", "EOPNOTSUPP"]);

/** Gives an open file what another has, as a file keeps it when it is written. Throws an Error with `code`. */
export function copyAttributes(from: number, to: number): void {
  const list = read((data) => libc().flistxattr(from, data, data.length), "flistxattr");
  for (const name of list.toString("latin1").split("\0")) {
    if (name === "" || name === CAPABILITY) continue;
    const key = cString(name);
    const value = read((data) => libc().fgetxattr(from, key, data, data.length), `fgetxattr ${name}`);
    try {
      check(libc().fsetxattr(to, key, value, value.length, 0), `fsetxattr ${name}`);
    } catch (error) {
      if (!NOT_TAKEN.has(errorCode(error))) throw error;
    }
  }
}

/** What SELinux calls a device is by the node that is made of it, not by the device. */
export function copyLabel(from: string, to: string): void {
  const [source, target, key] = [from, to, "security.selinux"].map(cString) as [Buffer, Buffer, Buffer];
  const value = Buffer.alloc(256);
  const length = Number(libc().getxattr(source, key, value, value.length));
  if (length > 0) check(libc().setxattr(target, key, value, length, 0), `setxattr ${to}`);
}

/** Empty where the file system has no attributes. */
function read(get: (data: Buffer) => number | bigint, call: string): Buffer {
  const MOST = 65_536;
  const data = Buffer.alloc(MOST);
  try {
    return data.subarray(0, check(get(data), call));
  } catch (error) {
    if (errorCode(error) === "EOPNOTSUPP") return Buffer.alloc(0);
    throw error;
  }
}
