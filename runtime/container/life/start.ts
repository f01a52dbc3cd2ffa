import { UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import { warn } from "../../log.ts";
import type { Nic } from "../../network/nics.ts";
import { type Boot, prepareBoot } from "../boot/boot.ts";
import { readResolvConf, wireGuest } from "../boot/network.ts";
import { runMachine } from "../boot/run-machine.ts";
import type { Container } from "../record/container.ts";
import { canStart, hasEnded, statusOf } from "../record/status.ts";
import { releaseResources } from "./end.ts";
import { runHooks } from "./hooks.ts";

/** What a guest goes on from, in place of a boot, on these cards. */
export type Resume = (nics: readonly Nic[]) => Boot;

export interface StartOptions {
  readonly resume?: Resume;
  /** Its kernel is to take system calls from unikrun, if it can, or does so already. */
  readonly proxy?: boolean;
}

/**
 * Starts a created container's machine, and returns when its guest runs (runtime.md, Lifecycle 6-9).
 * A start that fails ends the container's processes and takes back its network and cgroup; its record stays, stopped, for delete.
 */
export async function startContainer(
  root: string,
  container: Container,
  options: StartOptions = {},
): Promise<void> {
  refuseUnlessCreated(root, container);
  try {
    await startMachine(root, container, options);
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

async function startMachine(
  root: string,
  container: Container,
  { resume, proxy = false }: StartOptions,
): Promise<void> {
  const family = familyNamed(container.guest.family);
  const resolvConf = readResolvConf(container.guest.mounts);
  using wiring = await wireGuest(container, family, resolvConf, proxy ? "shut" : undefined);
  const { nics, unguarded } = wiring;
  if (unguarded !== undefined) {
    const what = `its kernel's port for system calls can't be shut to others: ${unguarded}`;
    if (resume) throw new UnikrunError(`Container ${container.id} can't be started: ${what}.`);
    await warn(`Container ${container.id}: ${what}.`);
  }
  const isShut = proxy && unguarded === undefined;
  using boot = resume?.(nics) ?? prepareBoot({ container, family, resolvConf, wiring, proxy: isShut });
  await runHooks(container, "startContainer");
  await runMachine({ root, container, family, wiring, boot });
}
