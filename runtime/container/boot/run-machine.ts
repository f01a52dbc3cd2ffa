/** From what a guest is given to a machine that runs. */
import { sendPlan } from "../../../native/channel.ts";
import { type Directive, encodeDirectives } from "../../../native/directives.ts";
import { writeText } from "../../../native/files.ts";
import { UnikrunError } from "../../error.ts";
import type { GuestFamily } from "../../guest/guest.ts";
import { debug, warn } from "../../log.ts";
import { withAdvice } from "../../machine/choose-accelerator.ts";
import { type RunPlan, startDirectives } from "../../machine/plan.ts";
import { probeHost } from "../../machine/probe.ts";
import { leaseOf } from "../../network/dhcp.ts";
import type { Wiring } from "../../network/wire.ts";
import { passed } from "../../steps.ts";
import { askableMark, type Container, containerFolder, type QemuRecord } from "../record/container.ts";
import { writeMachine } from "../record/machine.ts";
import { boardKindOf, makeBoard } from "./board.ts";
import type { Boot } from "./boot.ts";
import { type ResolvConf, toldNames } from "./network.ts";
import { newWorkers } from "./pids.ts";

export interface RunOptions {
  readonly root: string;
  readonly container: Container;
  readonly family: GuestFamily;
  readonly wiring: Wiring;
  readonly boot: Boot;
  readonly resolvConf: ResolvConf;
  /** The template that its guest may become. */
  readonly template?: string | undefined;
  /** A line for the container's log. */
  readonly remark?: string | undefined;
}

/** Has init give it to the VMM and let the guest go. Throws UnikrunError with what the VMM says where it does not run. */
export async function runMachine(options: RunOptions): Promise<void> {
  const { root, container, family, wiring, boot, resolvConf, template, remark } = options;
  const { machine, disks, module, saved, unheard = [] } = boot;
  const { id, guest, board } = container;
  const { bootArguments, nics, proxy = false } = machine;
  const told = { hostname: guest.hostname, ...toldNames(resolvConf, wiring) };
  const asks =
    proxy && disks.some(({ kind, readOnly }) => !readOnly && (kind === "volume" || kind === "host"));
  using asker = asks ? (await import("./stand-by.ts")).standBy(container) : undefined;
  const run: RunPlan = {
    nics,
    disks,
    resolver: wiring.resolver,
    ...(wiring.dhcp === undefined ? {} : { leases: nics.map((nic) => leaseOf(nic, told)) }),
    links: wiring.nics.map(({ link }) => link),
    apparmor: guest.apparmor,
    selinux: guest.selinux,
    ending: family.ending,
    say: [board.say, remark, ...unheard.map((clause) => `${clause}.`)].filter((line) => line !== undefined),
  };
  const devices =
    board.tender === undefined
      ? await qemuPlan({ ...options, board, run })
      : (await import("./tender.ts")).tenderPlan({ ...options, board, run });
  const plan = [...devices, ...(asker?.directives ?? [])];
  await debug(() =>
    plan.map(([key, value]) => `Container ${id}: plan: ${key} ${shown(value, bootArguments)}`),
  );
  if (board.tender === undefined) keepMachine(root, container, board, boot, template);
  const folder = containerFolder(root, id);
  if (asks) writeText(askableMark(root, id), "");
  using nodes =
    guest.users && board.tender !== undefined
      ? (await import("./lent-devices.ts")).lendDevices(container, plan)
      : undefined;
  using starting = sendPlan(folder, encodeDirectives(plan), [
    ...wiring.taps.slice(0, nics.length),
    ...disks.map(({ fd }) => fd),
    ...disks.flatMap(({ base }) => base?.fd ?? []),
    ...(wiring.resolver ? [wiring.resolver.tap] : []),
    ...(asker?.descriptors ?? []),
    ...(wiring.dhcp === undefined ? [] : [wiring.dhcp]),
    ...(module ? [module.fd] : []),
    ...(saved?.memory === undefined ? [] : [saved.memory]),
    ...(nodes ? [nodes.fd] : []),
  ]);
  // Not when it runs: if we are killed before that, it runs all the same.
  if (guest.users) starting.renameSocket();
  passed("sent");
  // Meanwhile, since the VMM takes its time.
  const unshared = wiring.share(nics);
  passed("shared");
  const outcome = starting.outcome();
  passed("waited");
  if ("error" in outcome) {
    const trouble = outcome.error.replaceAll("\n", "; ");
    const why = board.tender === undefined ? withAdvice(trouble, board.accelerator) : trouble;
    throw new UnikrunError(`Container ${id} can't be started: ${why}.`);
  }
  await saved?.load(folder);
  if (saved) passed("loaded");
  wiring.keep();
  const who = board.tender === undefined ? "QEMU" : "its tender";
  for (const warning of outcome.warnings) await warn(`Container ${id}: ${who} says: ${warning}`);
  if (unshared) await warn(`Container ${id}: ${unshared}`);
}

/** What the VMM that a created container has is told. */
async function qemuPlan(
  options: RunOptions & { readonly board: QemuRecord; readonly run: RunPlan },
): Promise<Directive[]> {
  const { root, container, family, boot, board, run } = options;
  const { machine, disks, module, saved } = boot;
  const { nics, bootArguments, proxy = false } = machine;
  // It was made for a guest that goes on from another, which this one can't.
  if (board.incoming && !saved) {
    const { incoming: _, ...plain } = board;
    await makeBoard({
      root,
      container: { ...container, board: plain },
      family,
      host: probeHost(board.qemu).host,
    });
  }
  return startDirectives({
    ...run,
    workers: newWorkers(container, board),
    nics,
    takesAnyMac: proxy,
    disks,
    board: boardKindOf(family, container.guest),
    devices: family.devices,
    order: machine.order,
    firmware: board.firmware,
    bootArguments: saved ? undefined : bootArguments,
    ...(saved ? { phase: saved.phase } : {}),
    ...(module ? { module } : {}),
    keptMemory: saved?.memory !== undefined,
  });
}

/** For a later checkpoint. */
function keepMachine(
  root: string,
  { id, guest }: Container,
  board: QemuRecord,
  { machine, disks }: Boot,
  template: string | undefined,
): void {
  const { bootArguments, nics, proxy = false } = machine;
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
}

/** For the log. A guest's command line has its arguments and environment, which may be secret. */
const shown = (value: string, bootArguments: string): string =>
  bootArguments !== "" &&
  [bootArguments, JSON.stringify(bootArguments).slice(1, -1)].some((text) => value.includes(text))
    ? `(${Buffer.byteLength(value)} bytes, the guest's command line among them)`
    : value;
