import { UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import type { Nic } from "../../network/nics.ts";
import { type Boot, prepareBoot } from "../boot/boot.ts";
import { readResolvConf, wireGuest } from "../boot/network.ts";
import { runMachine } from "../boot/run-machine.ts";
import type { Container } from "../record/container.ts";
import { canStart, hasEnded, statusOf } from "../record/status.ts";
import type { WarmStart, warmStart } from "../warm/resume.ts";
import { releaseResources } from "./end.ts";
import { runHooks } from "./hooks.ts";

/** What a guest goes on from, in place of a boot, on these cards. */
export type Resume = (nics: readonly Nic[]) => Boot;

/**
 * Starts a created container's machine, and returns when its guest runs (runtime.md, Lifecycle 6-9).
 * A start that fails ends the container's processes and takes back its network and cgroup; its record stays, stopped, for delete.
 */
export async function startContainer(root: string, container: Container, resume?: Resume): Promise<void> {
  refuseUnlessCreated(root, container);
  try {
    await startMachine(root, container, resume);
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
  const parts = { container, family, resolvConf, wiring };
  const warm = container.guest.warm && !resume ? await startWarm(parts) : null;
  using boot = resume?.(wiring.nics) ?? warm?.boot ?? prepareBoot(parts);
  await runHooks(container, "startContainer");
  const { template, remark } = warm ?? {};
  await runMachine({ root, container, family, wiring, boot, template, remark });
  if (template !== undefined) (await import("../warm/keep.ts")).keepInBackground(root, container);
}

/** Few containers ask for it. */
async function startWarm(parts: Parameters<typeof warmStart>[0]): Promise<WarmStart> {
  return (await import("../warm/resume.ts")).warmStart(parts);
}
