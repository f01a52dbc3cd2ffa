/** Processes of a container that the kernel killed because its memory ran out. */
import { watchEnd } from "../../../native/control.ts";
import { readTextOrNull } from "../../../native/files.ts";
import { type Descriptor, errorCode } from "../../../native/libc.ts";
import { receiveAll } from "../../../native/sockets.ts";
import { openCgroup } from "../cgroup/cgroup.ts";
import { table } from "../cgroup/figures.ts";
import { oomFile } from "../cgroup/oom.ts";
import { type Container, containerFolder } from "../record/container.ts";

/** How many; 0 where the kernel does not say. */
export function oomKills({ cgroup }: Pick<Container, "cgroup">): bigint {
  const file = oomFile(openCgroup(cgroup));
  return table(file === undefined ? null : readTextOrNull(file)).oom_kill ?? 0n;
}

export interface End extends Disposable {
  /** Waits for it, for so many milliseconds, and then returns how many there were; undefined where it did not come, or init could not say. */
  wait(patience: number): bigint | undefined;
}

/** Init says it: systemd and engines remove a cgroup as soon as nothing is in it. */
export function endOf(root: string, { id }: Pick<Container, "id">): End {
  const folder = containerFolder(root, id);
  let socket: Descriptor | undefined;
  return {
    wait(patience) {
      const deadline = performance.now() + patience;
      try {
        socket ??= watchEnd(folder, patience / 1000);
        const [, kills] = /^oom (\d+)$/m.exec(receiveAll(socket.fd)) ?? [];
        if (kills !== undefined) return BigInt(kills);
      } catch (cause) {
        if (!NOBODY.includes(errorCode(cause))) throw cause;
      }
      Bun.sleepSync(Math.max(0, deadline - performance.now()));
      return undefined;
    },
    [Symbol.dispose]: () => socket?.[Symbol.dispose](),
  };
}

/** It has not ended yet, was not started yet, or init is gone. */
const NOBODY = ["EAGAIN", "ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"];
