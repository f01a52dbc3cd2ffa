import { writeText } from "../../../native/files.ts";
import { owned } from "../../../native/libc.ts";
import { openProcess } from "../../../native/process.ts";
import { connectUnix, sendDescriptors } from "../../../native/sockets.ts";
import { reasonOf, UnikrunError } from "../../error.ts";

/** Who wants to know of a new process. */
export interface PidReceivers {
  /** A file for its pid (--pid-file). */
  readonly pidFile?: string;
  /** A Unix socket for a pidfd (--pidfd-socket), which comes with the word "pidfd" as from runc 1.2. */
  readonly pidfdSocket?: string;
}

export function announcePid(id: string, pid: number, { pidFile, pidfdSocket }: PidReceivers): void {
  if (pidfdSocket !== undefined) sendPidfd(id, pidfdSocket, pid);
  if (pidFile === undefined) return;
  try {
    writeText(pidFile, String(pid), 0o644);
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id}: the pid file ${pidFile} can't be written (${reasonOf(cause)}).`,
      {
        cause,
      },
    );
  }
}

function sendPidfd(id: string, path: string, pid: number): void {
  const [, folder = ".", name = path] = /^(.*\/)([^/]*)$/.exec(path) ?? [];
  try {
    using process = owned(openProcess(pid));
    using socket = connectUnix({ folder, name, timeout: 10 });
    sendDescriptors(socket.fd, Buffer.from("pidfd"), [process.fd]);
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id}: the pidfd can't be sent to ${path} (${reasonOf(cause)}): --pidfd-socket must name a Unix socket that somebody listens on.`,
      { cause },
    );
  }
}
