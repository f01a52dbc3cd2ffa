import type { GuestPhase } from "../../native/control.ts";
import type { Directive } from "../../native/directives.ts";
import type { BoardKind, DeviceKind, EndingKind, ExitRule, Firmware } from "../guest/guest.ts";
import type { Lease } from "../network/dhcp.ts";
import type { Nic } from "../network/nics.ts";
import type { Resolver } from "../network/resolver.ts";
import { vmmFiles } from "./cage.ts";
import { commandLine, type VmmCommand } from "./command-line.ts";
import { debugDirectives } from "./debug-port.ts";
import { diskCommands, type MachineDisk } from "./disk.ts";
import { firmwareFile } from "./firmware.ts";
import { type Kernel, kernelCommands, kernelDirectives, kernelLine } from "./kernel.ts";
import { leaseDirectives } from "./leases.ts";
import { memoryFile } from "./memory.ts";
import type { MonitorCommand } from "./monitor.ts";
import { nicCommands } from "./nic.ts";
import { type DeviceOrder, OPEN_SLOTS } from "./pci.ts";
import type { Host } from "./qemu.ts";
import { threadCommand } from "./threads.ts";

/** What init needs to build the cage and to run the VMM in it. */
export interface BoardPlan {
  readonly host: Host;
  readonly board: VmmCommand;
  /** An existing folder to mount the cage on; only the VMM's mount namespace sees it there. */
  readonly cage: string;
  readonly rootfs: string;
  /** The container's mounts are the host's. */
  readonly detachMounts: boolean;
  readonly kernel: Kernel;
  readonly uid: number;
  readonly apparmor: string | undefined;
  readonly selinux: string | undefined;
}

/** The plan of a created container's VMM as directives (native/directives.ts). */
export function boardDirectives(plan: BoardPlan): Directive[] {
  const { host, board } = plan;
  return [
    ["cage", plan.cage],
    ["rootfs", plan.rootfs],
    ...(plan.detachMounts ? [["detach-mounts", ""] as const] : []),
    ...vmmFiles(host, board.accelerator),
    ...firmwareFile(board.firmware),
    ...memoryFile(board.memoryMiB),
    // What a guest goes on from has its kernel in it.
    ...(board.incoming && board.firmware === "unikrun"
      ? []
      : kernelDirectives(board.board, board.firmware, plan.kernel)),
    ...commandLine(board).map((argument) => ["argument", argument] as const),
    ...(board.accelerator === "tcg" ? [["small-pages", ""] as const] : []),
    ["uid", String(plan.uid)],
    ...optional("apparmor", plan.apparmor),
    ...optional("selinux", plan.selinux),
  ];
}

/** What only `start` knows, whatever runs the guest, and what init needs to tell how it ended. */
export interface RunPlan {
  readonly nics: readonly unknown[];
  readonly disks: readonly unknown[];
  /** Whose tap comes behind the descriptors of the cards, and of the disks. */
  readonly resolver: Pick<Resolver, "address" | "server" | "mtu"> | undefined;
  /** What each card is told of its address, null for nothing; absent where its guest does not ask. Behind the resolver's comes DHCP's tap. */
  readonly leases?: readonly (Lease | null)[];
  /** The interfaces that its cards stand for. */
  readonly links: readonly { readonly index: number; readonly name: string }[];
  readonly apparmor: string | undefined;
  readonly selinux: string | undefined;
  readonly ending: EndingKind;
  /** Lines for the container's log. */
  readonly say: readonly string[];
}

export function runDirectives(plan: RunPlan): Directive[] {
  const { ending } = plan;
  return [
    ...resolverDirectives(plan.resolver),
    ...(plan.leases ? leaseDirectives(plan.leases) : []),
    ...plan.links.map(({ index, name }) => ["link", `${index} ${name}`] as const),
    ["first-disk", String(plan.nics.length)],
    ["disks", String(plan.disks.length)],
    ...optional("apparmor", plan.apparmor),
    ...optional("selinux", plan.selinux),
    ...plan.say.map((line) => ["say", line] as const),
    ...ending.rules.flatMap(ruleDirectives),
    ...debugDirectives(ending.debugCodes ?? []),
    ...(ending.reset === "fault" ? [] : [["reset", ending.reset] as const]),
  ];
}

/** The same for QEMU, which has its board already. */
export interface StartPlan extends RunPlan {
  /** Threads that may read and write its disks, where they are others than the board was made with. */
  readonly workers: number | undefined;
  readonly nics: readonly Pick<Nic, "mac" | "mtu">[];
  /** Its guest may be told another MAC address. */
  readonly takesAnyMac?: boolean;
  readonly disks: readonly MachineDisk[];
  readonly board: BoardKind;
  readonly devices: DeviceKind;
  readonly order?: DeviceOrder | undefined;
  readonly firmware: Firmware;
  /** The kernel's command line; undefined for a guest that goes on from another's state. */
  readonly bootArguments: string | undefined;
  /** How far its guest was when it was saved. */
  readonly phase?: GuestPhase;
  /** What the descriptor behind all others has belongs there in the guest's memory: physical address and bytes. */
  readonly module?: { readonly address: number; readonly size: number };
  /** The descriptor behind all others is that of the memory that the guest goes on with. */
  readonly keptMemory: boolean;
}

export function startDirectives(plan: StartPlan): Directive[] {
  const { board, devices, firmware, bootArguments } = plan;
  const { modern } = devices;
  const { order } = plan;
  const commands: MonitorCommand[] = [
    ...kernelCommands(board, firmware, bootArguments),
    ...(plan.workers === undefined ? [] : [threadCommand(plan.workers)]),
    OPEN_SLOTS,
    ...plan.nics.flatMap((nic, card) =>
      nicCommands({
        card,
        mac: nic.mac,
        mtu: nic.mtu,
        takesAnyMac: plan.takesAnyMac ?? false,
        modern,
        order,
      }),
    ),
    ...diskCommands(plan.disks, { modern, order }),
    { execute: "cont" },
  ];
  return [
    ...(firmware === "unikrun" && bootArguments !== undefined
      ? [["command-line", kernelLine(bootArguments)] as const]
      : []),
    ...(plan.phase ? phaseDirectives(plan.phase) : []),
    ...(plan.module ? [["module", `${plan.module.address} ${plan.module.size}`] as const] : []),
    ...(plan.keptMemory ? [["kept-memory", ""] as const] : []),
    ...runDirectives(plan),
    ...(plan.ending.stop === "button" && board.acpi ? [["power-button", ""] as const] : []),
    ...commands.map(commandDirective),
  ];
}

const optional = (word: Directive[0], value: string | undefined): Directive[] =>
  value ? [[word, value]] : [];

const commandDirective = ({ lends, ...command }: MonitorCommand): Directive => [
  lends ? "lend" : "ask",
  `${JSON.stringify(command)}\n`,
];

const phaseDirectives = ({ phase, code, halting }: GuestPhase): Directive[] => [
  ["phase", phase],
  ["phase-code", String(code)],
  ...(halting ? [["phase-halting", ""] as const] : []),
];

function resolverDirectives(resolver: StartPlan["resolver"]): Directive[] {
  return resolver ? [["resolver", `${resolver.address} ${resolver.server} ${resolver.mtu}`]] : [];
}

export function ruleDirectives(rule: ExitRule): Directive[] {
  return [
    ...(rule.when ? [["rule-phase", rule.when] as const] : []),
    ...(rule.phase ? [["rule-next", rule.phase] as const] : []),
    ...(rule.code === undefined ? [] : [["rule-code", String(rule.code)] as const]),
    ...(rule.halts ? [["rule-halts", ""] as const] : []),
    ...(rule.say === undefined ? [] : [["rule-say", rule.say] as const]),
    ["rule-line", rule.line],
  ];
}
