import { UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import type { Nic } from "../../network/nics.ts";
import { type Boot, prepareBoot } from "../boot/boot.ts";
import { readResolvConf, wireGuest } from "../boot/network.ts";
import { runMachine } from "../boot/run-machine.ts";
import type { Container } from "../record/container.ts";
import { holdContainer } from "../record/hold.ts";
import { canStart, hasEnded, statusOf } from "../record/status.ts";
import { releaseResources } from "./end.ts";
import { runHooks } from "./hooks.ts";

/** What a guest goes on from, in place of a boot, on these cards. */
export type Resume = (nics: readonly Nic[]) => Boot;

/**
 * Starts a created container's machine, and returns when its guest runs (runtime.md, Lifecycle 6-9).
 * A start that fails ends the container's processes and takes back its network and cgroup; its record stays, stopped, for delete.
 */
export async function startContainer(root: string, container: Container, resume?: Resume): Promise<void> {
  using starting = new DisposableStack();
  starting.use(holdContainer(root, container, "started"));
  refuseUnlessCreated(root, container);
  try {
    await startMachine(root, container, resume);
    // It runs from here on, as far as others can tell.
    starting.dispose();
    await runHooks(container, "poststart");
  } catch (error) {
    await releaseResources(container);
    throw error;
  }
}

function refuseUnlessCreated(root: string, container: Container): void {
  const status = statusOf(root, container);
  if (canStart(status)) return;
  const why = hasEnded(status)
    ? "it has stopped: a stopped container can only be deleted"
    : `it is already ${status}`;
  throw new UnikrunError(`Container ${container.id} can't be started: ${why}.`);
}

async function startMachine(root: string, container: Container, resume?: Resume): Promise<void> {
  const family = familyNamed(container.guest.family);
  const resolvConf = readResolvConf(container.guest.mounts);
  using wiring = await wireGuest(container, family, resolvConf);
  using boot = resume?.(wiring.nics) ?? prepareBoot({ container, family, resolvConf, wiring });
  await runHooks(container, "startContainer");
  await runMachine({ root, container, family, wiring, boot });
}
