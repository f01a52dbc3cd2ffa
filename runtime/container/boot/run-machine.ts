/** From what a guest is given to a machine that runs. */
import { sendPlan } from "../../../native/channel.ts";
import { encodeDirectives } from "../../../native/directives.ts";
import { writeText } from "../../../native/files.ts";
import { UnikrunError } from "../../error.ts";
import type { GuestFamily } from "../../guest/guest.ts";
import { debug, warn } from "../../log.ts";
import { withAdvice } from "../../machine/choose-accelerator.ts";
import { startDirectives } from "../../machine/plan.ts";
import { probeHost } from "../../machine/probe.ts";
import { leaseOf } from "../../network/dhcp.ts";
import type { Wiring } from "../../network/wire.ts";
import { askableMark, type Container, containerFolder } from "../record/container.ts";
import { writeMachine } from "../record/machine.ts";
import { boardKindOf, makeBoard } from "./board.ts";
import type { Boot } from "./boot.ts";
import { type ResolvConf, toldNames } from "./network.ts";
import { newWorkers } from "./pids.ts";

function withNewBoard({ board: { incoming: _, ...board }, ...container }: Container): Container {
  return { ...container, board };
}

/** Has init give it to the VMM and let the guest go. Throws UnikrunError with what the VMM says where it does not run. */
export async function runMachine(options: {
  root: string;
  container: Container;
  family: GuestFamily;
  wiring: Wiring;
  boot: Boot;
  resolvConf: ResolvConf;
  /** The template that its guest may become. */
  template?: string | undefined;
  /** A line for the container's log. */
  remark?: string | undefined;
}): Promise<void> {
  const { root, container, family, wiring, boot, resolvConf, template, remark } = options;
  const { machine, disks, saved, unheard = [] } = boot;
  const { id, guest, board } = container;
  const { bootArguments, nics, proxy = false } = machine;
  // It was made for a guest that goes on from another, which this one can't.
  if (board.incoming && !saved)
    await makeBoard({ root, container: withNewBoard(container), family, host: probeHost(board.qemu).host });
  const told = { hostname: guest.hostname, ...toldNames(resolvConf, wiring) };
  const asks =
    proxy && disks.some(({ kind, readOnly }) => !readOnly && (kind === "volume" || kind === "host"));
  using asker = asks ? (await import("./stand-by.ts")).standBy(container) : undefined;
  const devices = startDirectives({
    workers: newWorkers(container),
    nics,
    takesAnyMac: proxy,
    disks,
    board: boardKindOf(family, guest),
    devices: family.devices,
    order: machine.order,
    firmware: board.firmware,
    bootArguments: saved ? undefined : bootArguments,
    resolver: wiring.resolver,
    ...(wiring.dhcp === undefined ? {} : { leases: nics.map((nic) => leaseOf(nic, told)) }),
    links: wiring.nics.map(({ link }) => link),
    ...(saved ? { phase: saved.phase } : {}),
    apparmor: guest.apparmor,
    selinux: guest.selinux,
    ending: family.ending,
    say: [board.say, remark, ...unheard.map((clause) => `${clause}.`)].filter((line) => line !== undefined),
    keptMemory: saved?.memory !== undefined,
  });
  const plan = [...devices, ...(asker?.directives ?? [])];
  await debug(() =>
    plan.map(([key, value]) => `Container ${id}: plan: ${key} ${shown(value, bootArguments)}`),
  );
  writeMachine(root, id, {
    family: guest.family,
    accelerator: board.accelerator,
    firmware: board.firmware,
    memoryMiB: board.memoryMiB,
    bootArguments,
    ...(proxy ? { proxy } : {}),
    ...(machine.order ? { order: machine.order } : {}),
    nics: nics.map(({ mac, mtu, addresses, gateways }) => ({ mac, mtu, addresses, gateways })),
    disks: disks.map(({ fd: _, base: __, ...disk }) => disk),
    ...(template === undefined ? {} : { template }),
  });
  const folder = containerFolder(root, id);
  if (asks) writeText(askableMark(root, id), "");
  using starting = sendPlan(folder, encodeDirectives(plan), [
    ...wiring.taps.slice(0, nics.length),
    ...disks.map(({ fd }) => fd),
    ...disks.flatMap(({ base }) => base?.fd ?? []),
    ...(wiring.resolver ? [wiring.resolver.tap] : []),
    ...(asker ? [asker.tap] : []),
    ...(wiring.dhcp === undefined ? [] : [wiring.dhcp]),
    ...(saved?.memory === undefined ? [] : [saved.memory]),
  ]);
  // Meanwhile, since the VMM takes its time.
  const unshared = wiring.share(nics);
  const outcome = starting.outcome();
  if ("error" in outcome) {
    const why = withAdvice(outcome.error.replaceAll("\n", "; "), board.accelerator);
    throw new UnikrunError(`Container ${id} can't be started: ${why}.`);
  }
  await saved?.load(folder);
  wiring.keep();
  for (const warning of outcome.warnings) await warn(`Container ${id}: QEMU says: ${warning}`);
  if (unshared) await warn(`Container ${id}: ${unshared}`);
}

/** For the log. A guest's command line has its arguments and environment, which may be secret. */
const shown = (value: string, bootArguments: string): string =>
  [bootArguments, JSON.stringify(bootArguments).slice(1, -1)].some((text) => value.includes(text))
    ? `(${Buffer.byteLength(value)} bytes, the guest's command line among them)`
    : value;
