import { sendPlan } from "../../../native/channel.ts";
import { encodeDirectives } from "../../../native/directives.ts";
import { UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import type { GuestFamily } from "../../guest/guest.ts";
import { debug, warn } from "../../log.ts";
import { withAdvice } from "../../machine/choose-accelerator.ts";
import { type StartPlan, startDirectives } from "../../machine/plan.ts";
import type { Nic } from "../../network/nics.ts";
import { loopbackServer } from "../../network/resolv-conf.ts";
import { type Wiring, wireNetwork } from "../../network/wire.ts";
import { isMadeEarly, makeBoard } from "../boot/board.ts";
import { type Boot, prepareBoot } from "../boot/boot.ts";
import { readResolvConf } from "../boot/disks.ts";
import { allowedWorkers } from "../boot/pids.ts";
import { type Container, containerFolder, netnsOf } from "../record/container.ts";
import { writeMachine } from "../record/machine.ts";
import { stateDocument, statusOf } from "../record/status.ts";
import { hostSettings } from "../settings/host.ts";
import { releaseResources } from "./end.ts";
import { runHooks } from "./hooks.ts";

/**
 * Starts a created container's machine, and returns when its VMM is up (runtime.md, Lifecycle 6-9).
 * A start that fails ends the container's processes and takes back its network and cgroup; its record stays, stopped, for delete.
 */
export async function startContainer(
  root: string,
  container: Container,
  resume?: (nics: readonly Nic[]) => Resumed,
): Promise<void> {
  const status = statusOf(root, container);
  if (status !== "created") {
    const why =
      status === "running" || status === "paused"
        ? `it is already ${status}`
        : "it has stopped: a stopped container can only be deleted";
    throw new UnikrunError(`Container ${container.id} can't be started: ${why}.`);
  }
  try {
    await startMachine(root, container, resume);
    await runHooks({
      kind: "poststart",
      hooks: container.hooks.poststart,
      place: { kind: "runtime" },
      state: stateDocument(container, "running"),
    });
  } catch (error) {
    await releaseResources(container);
    throw error;
  }
}

/** What a guest goes on from, in place of a boot. */
export interface Resumed extends Boot {
  readonly phase: StartPlan["phase"];
  /** Brings the guest's state into the machine that waits for it, and returns when it runs. */
  load(stateFolder: string): void;
}

async function startMachine(
  root: string,
  container: Container,
  resume: Parameters<typeof startContainer>[2],
): Promise<void> {
  const { id, pid, guest, board, hooks } = container;
  const settings = await hostSettings();
  const family = familyNamed(guest.family);
  const resolvConf = readResolvConf(guest.mounts);
  using wiring = await wireGuest(container, family, loopbackServer(resolvConf.text));
  const resumed = resume?.(wiring.nics);
  using boot = resumed ?? prepareBoot({ container, family, settings, resolvConf, wiring });
  const { machine, disks } = boot;
  await runHooks({
    kind: "startContainer",
    hooks: hooks.startContainer,
    place: { kind: "container", pid, root: container.rootfs },
    state: stateDocument(container, "created"),
  });
  const { bootArguments, nics } = machine;
  if (!isMadeEarly(board)) await makeBoard(root, container, settings, bootArguments);
  const folder = containerFolder(root, id);
  const plan = startDirectives({
    workers: allowedWorkers(container),
    nics,
    disks,
    commandLine: isMadeEarly(board) && !resumed ? bootArguments : undefined,
    resolver: wiring.resolver,
    links: wiring.nics.map(({ link }) => link),
    ...(resumed?.phase ? { phase: resumed.phase } : {}),
    apparmor: guest.apparmor,
    selinux: guest.selinux,
    exitRules: family.exitRules,
    ...(board.say === undefined ? {} : { say: board.say }),
  });
  await debug(() => plan.map(([key, value]) => `Container ${id}: plan: ${key} ${value}`));
  writeMachine(root, id, {
    family: guest.family,
    firmware: board.firmware,
    memoryMiB: board.memoryMiB,
    bootArguments,
    nics: nics.map(({ mac, mtu, addresses, gateways }) => ({ mac, mtu, addresses, gateways })),
    disks: disks.map(({ fd: _, ...disk }) => disk),
  });
  using starting = sendPlan(folder, encodeDirectives(plan), [
    ...wiring.taps,
    ...disks.map(({ fd }) => fd),
    ...(wiring.resolver ? [wiring.resolver.tap] : []),
  ]);
  // Meanwhile, since the VMM takes its time.
  const unshared = wiring.share(nics);
  const outcome = starting.outcome();
  if ("error" in outcome) {
    const why = withAdvice(outcome.error.replaceAll("\n", "; "), board.accelerator);
    throw new UnikrunError(`Container ${id} can't be started: ${why}.`);
  }
  resumed?.load(folder);
  wiring.keep();
  for (const warning of outcome.warnings) await warn(`Container ${id}: QEMU says: ${warning}`);
  if (unshared) await warn(`Container ${id}: ${unshared}`);
}

/** `server`: a name server on a loopback address that the guest is to reach. */
async function wireGuest(
  container: Container,
  family: GuestFamily,
  server: string | undefined,
): Promise<Wiring> {
  const { id } = container;
  const wiring = wireNetwork({
    netns: netnsOf(container),
    containerId: id,
    limit: family.limits.nics,
    ...(server === undefined ? {} : { server }),
  });
  if (wiring.nics.length === 0) {
    await warn(
      `Container ${id}: its network namespace has no interface but lo, so the guest gets no network card.`,
    );
  } else if (server !== undefined && !wiring.resolver) {
    await warn(
      `Container ${id}: its engine's name server is asked by IPv4, and the guest has no IPv4 address, so it can't look up names.`,
    );
  }
  return wiring;
}
