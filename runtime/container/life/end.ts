/** The ends of a container's processes and of what they held. */
import { SIGKILL } from "../../../native/signals.ts";
import { UnikrunError } from "../../error.ts";
import { removeAll } from "../cgroup/folders.ts";
import { isAlive } from "../record/alive.ts";
import type { Container } from "../record/container.ts";
import { isWiring } from "../record/wiring.ts";
import { signalInit } from "./signal.ts";

/** Milliseconds that a killed init may take to be gone. */
const DYING = 5000;

/** Kills init, and with it the machine, and waits until it is dead. */
export function endInit(container: Pick<Container, "id" | "pid" | "startTime" | "cgroup">): void {
  if (!signalInit(container, SIGKILL)) return;
  const deadline = performance.now() + DYING;
  for (let pause = 0.2; isAlive(container); pause = Math.min(pause * 2, 20)) {
    if (performance.now() > deadline) {
      throw new UnikrunError(
        `Container ${container.id}: its init (pid ${container.pid}) does not die: see what holds it (/proc/${container.pid}/stack).`,
      );
    }
    Bun.sleepSync(pause);
  }
}

/** Ends everything that a container has outside its folder. Idempotent; what few containers have is loaded for those. */
export async function releaseResources(root: string, container: Container): Promise<void> {
  endInit(container);
  if (container.scope) await endScope(container, container.scope);
  removeAll(container.cgroup);
  if (container.givenNetns) {
    const { unwireNetwork } = await import("../../network/unwire.ts");
    const begun = isWiring(root, container);
    unwireNetwork({ netns: container.givenNetns, containerId: container.id, begun });
  }
}

async function endScope(container: Container, unit: string): Promise<void> {
  const { openCgroup } = await import("../cgroup/cgroup.ts");
  const cgroup = openCgroup(container.cgroup);
  // When it is empty systemd removes it, and what is gone need not be asked for; that of a create that was killed may still come.
  if (container.pid !== 0 && !cgroup.exists()) return;
  cgroup.kill(SIGKILL);
  const { stopScope } = await import("../cgroup/scope.ts");
  await stopScope(unit);
}
