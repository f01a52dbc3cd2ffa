import { qemuOption } from "./option.ts";

/** init gives the VMM these descriptors (native/init/cage/vmm.c). */
const CONSOLE_FD = 3;

/** The guest's COM1, whose other end init holds. */
export function serialArguments(): string[] {
  return [
    "-chardev",
    qemuOption("socket", { id: "console", fd: CONSOLE_FD }),
    "-device",
    qemuOption("isa-serial", { chardev: "console" }),
  ];
}
