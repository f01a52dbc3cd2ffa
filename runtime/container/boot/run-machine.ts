/** From what a guest is given to a machine that runs. */
import { sendPlan } from "../../../native/channel.ts";
import { encodeDirectives } from "../../../native/directives.ts";
import { UnikrunError } from "../../error.ts";
import type { GuestFamily } from "../../guest/guest.ts";
import { debug, warn } from "../../log.ts";
import { withAdvice } from "../../machine/choose-accelerator.ts";
import { startDirectives } from "../../machine/plan.ts";
import { probeHost } from "../../machine/probe.ts";
import type { Wiring } from "../../network/wire.ts";
import { type Container, containerFolder } from "../record/container.ts";
import { writeMachine } from "../record/machine.ts";
import { isMadeEarly, makeBoard } from "./board.ts";
import type { Boot } from "./boot.ts";
import { allowedWorkers } from "./pids.ts";

/** Has init give it to the VMM and let the guest go. Throws UnikrunError with what the VMM says where it does not run. */
export async function runMachine(options: {
  root: string;
  container: Container;
  family: GuestFamily;
  wiring: Wiring;
  boot: Boot;
}): Promise<void> {
  const { root, container, family, wiring, boot } = options;
  const { machine, disks, saved } = boot;
  const { id, guest, board } = container;
  const { bootArguments, nics, proxy = false } = machine;
  if (!isMadeEarly(board))
    await makeBoard({ root, container, family, host: probeHost(board.qemu).host, bootArguments });
  const plan = startDirectives({
    workers: allowedWorkers(container),
    nics,
    takesAnyMac: proxy,
    disks,
    commandLine: isMadeEarly(board) && !saved ? bootArguments : undefined,
    resolver: wiring.resolver,
    links: wiring.nics.map(({ link }) => link),
    ...(saved ? { phase: saved.phase } : {}),
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
    ...(proxy ? { proxy } : {}),
    nics: nics.map(({ mac, mtu, addresses, gateways }) => ({ mac, mtu, addresses, gateways })),
    disks: disks.map(({ fd: _, ...disk }) => disk),
  });
  const folder = containerFolder(root, id);
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
  saved?.load(folder);
  wiring.keep();
  for (const warning of outcome.warnings) await warn(`Container ${id}: QEMU says: ${warning}`);
  if (unshared) await warn(`Container ${id}: ${unshared}`);
}
