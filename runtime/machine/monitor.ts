import { agreed } from "../../native/directives.ts";
import { qemuOption } from "./option.ts";

/** The QMP connection whose other end init holds. */
export function monitorArguments(): string[] {
  return [
    "-chardev",
    qemuOption("socket", { id: "monitor", fd: agreed.VMM_MONITOR_FD }),
    // Newer than -mon, which QEMU 11 warns of, and older than -object monitor-qmp, which QEMU 7.2 does not know.
    "-qmp",
    "chardev:monitor",
  ];
}

/** A command of QMP (qemu-qmp-ref(7)). */
export interface MonitorCommand {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** The next of the descriptors at hand goes with it. */
  readonly lends?: boolean;
}
