import { qemuOption } from "./option.ts";

const MONITOR_FD = 4;

/** The QMP connection whose other end init holds. */
export function monitorArguments(): string[] {
  return [
    "-chardev",
    qemuOption("socket", { id: "monitor", fd: MONITOR_FD }),
    "-mon",
    qemuOption("chardev=monitor", { mode: "control" }),
  ];
}
