import { once } from "../../../native/libc.ts";
import { UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import { warn } from "../../log.ts";
import type { Nic } from "../../network/nics.ts";
import type { WireOptions, Wiring } from "../../network/wire.ts";
import { passed } from "../../steps.ts";
import { type Boot, prepareBoot, readTraits } from "../boot/boot.ts";
import { writesWhatStays } from "../boot/disks.ts";
import { readResolvConf, wireGuest } from "../boot/network.ts";
import { runMachine } from "../boot/run-machine.ts";
import { tellProgress } from "../boot/tell-progress.ts";
import type { Container } from "../record/container.ts";
import { holdContainer } from "../record/hold.ts";
import { canStart, hasEnded, statusOf } from "../record/status.ts";
import { writeCall } from "../record/trace.ts";
import { beginWiring, endWiring } from "../record/wiring.ts";
import type { WarmStart, warmStart } from "../warm/resume.ts";
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
  using starting = new DisposableStack();
  starting.use(holdContainer(root, container, "started"));
  refuseUnlessCreated(root, container);
  try {
    await startMachine(root, container, options);
    // It runs from here on, as far as others can tell.
    starting.dispose();
    await runHooks(container, "poststart");
    await writeCall(root, container.id, "start");
  } catch (error) {
    await writeCall(root, container.id, "start", error);
    await releaseResources(root, container);
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

async function startMachine(root: string, container: Container, options: StartOptions): Promise<void> {
  const { resume } = options;
  await tellProgress(container);
  const family = familyNamed(container.guest.family);
  const resolvConf = readResolvConf(container.guest.mounts);
  // Of a guest that goes on from a saved state nobody asks for them.
  const traits = once(() => readTraits(container, family));
  const asks = !resume && writesWhatStays(container) && traits().proxy;
  const guard = guardFor(container, options, asks);
  beginWiring(root, container);
  using wiring = await wireGuest(container, family, resolvConf, guard);
  passed("network", wiring.nics.map(({ link }) => link.name).join(" "));
  const isShut = guard !== undefined && (await isGuarded(container, options, wiring));
  const parts = { root, container, family, resolvConf, wiring };
  const warm = mayBeWarm(container, options) ? await startWarm({ ...parts, traits: traits(), isShut }) : null;
  if (warm) passed("template", warm.boot ? "goes on from one" : "none to go on from");
  const proxy = isShut && (!warm || warm.template !== undefined);
  using boot = resume?.(wiring.nics) ?? warm?.boot ?? prepareBoot({ ...parts, traits: traits(), proxy });
  passed("composed");
  if (guard === "closed" && !warm?.boot) wiring.open();
  await runHooks(container, "startContainer");
  const { template, remark } = warm ?? {};
  await runMachine({ root, container, family, wiring, boot, resolvConf, template, remark });
  endWiring(root, container);
  if (template !== undefined) (await import("../warm/keep.ts")).keepInBackground(root, container);
}

const mayBeWarm = ({ guest }: Container, { resume }: StartOptions): boolean =>
  guest.warm !== undefined && !resume;

/** A guest that goes on from another is nobody as long as it is not told who it is. */
function guardFor(container: Container, options: StartOptions, asks: boolean): WireOptions["guard"] {
  if (mayBeWarm(container, options)) return container.board.incoming ? "closed" : "shut";
  return options.proxy || asks ? "shut" : undefined;
}

async function isGuarded(
  { id }: Container,
  { resume }: StartOptions,
  { unguarded }: Wiring,
): Promise<boolean> {
  if (unguarded === undefined) return true;
  const what = `its kernel's port for system calls can't be shut to others: ${unguarded}`;
  if (resume) throw new UnikrunError(`Container ${id} can't be started: ${what}.`);
  await warn(`Container ${id}: ${what}.`);
  return false;
}

/** Few containers ask for it. */
async function startWarm(parts: Parameters<typeof warmStart>[0]): Promise<WarmStart> {
  return (await import("../warm/resume.ts")).warmStart(parts);
}
