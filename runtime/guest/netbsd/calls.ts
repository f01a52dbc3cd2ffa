/**
 * How a running rump kernel's system calls are said to native/init/exec/proxy.c, which makes them. Numbers and structures, here and in
 * netbsd-*.ts, are those of NetBSD 7.99/amd64, which are its ABI: sys/kern/syscalls.master.
 */
import type { Directive } from "../../../native/directives.ts";

export const CALL = {
  read: 3,
  write: 4,
  open: 5,
  sync: 36,
  ioctl: 54,
  sysctl: 202,
  reboot: 208,
  getvfsstat: 356,
  getdents: 390,
  socket: 394,
  clockSettime: 428,
};
export const ERROR = {
  noEntry: 2,
  badDescriptor: 9,
  noMemory: 12,
  noFolder: 20,
  noSuchFamily: 47,
  noSuchProtocol: 43,
  noSuchAddress: 49,
};

/** Where memory that a call points to is, for the guest. */
export const [FIRST, SECOND, THIRD] = [0x10000, 0x20000, 0x30000];

/** "@-1": the result of the call before. */
export const call = (number: number, ...args: readonly (number | string)[]): Directive => [
  "call",
  [number, ...args].join(" "),
];
export const memory = (address: number, bytes: Buffer): Directive => [
  "memory",
  `${address} ${bytes.toString("hex")}`,
];
export const tolerate = (...errors: readonly number[]): Directive => ["tolerate", errors.join(" ")];

/** A structure: each part in its field of so many bytes. */
export const fields = (...parts: readonly (readonly [size: number, content: Buffer | number])[]): Buffer =>
  Buffer.concat(
    parts.map(([size, content]) => {
      const field = Buffer.alloc(size);
      if (typeof content === "number") field.writeUIntLE(content, 0, Math.min(size, 6));
      else content.copy(field);
      return field;
    }),
  );
