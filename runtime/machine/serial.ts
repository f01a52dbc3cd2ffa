import { agreed } from "../../native/directives.ts";
import { qemuOption } from "./option.ts";

/** The guest's COM1, whose other end init holds. */
export function serialArguments(): string[] {
  return [
    "-chardev",
    qemuOption("socket", { id: "console", fd: agreed.VMM_CONSOLE_FD }),
    "-device",
    qemuOption("isa-serial", { chardev: "console" }),
  ];
}
