import type { GuestPhase } from "../../native/control.ts";
import type { Directive } from "../../native/directives.ts";
import type { ExitRule } from "../guest/guest.ts";
import type { Resolver } from "../network/resolver.ts";
import type { Accelerator } from "./accelerator.ts";
import { commandLine, KERNEL_PATH, type Machine } from "./command-line.ts";
import { firmwareFile } from "./firmware.ts";
import type { Host } from "./probe.ts";

/** Of a living init's pid there is only one, so no two machines share a uid, and no other account has it. */
export const VMM_UIDS = 0x7000_0000;

/** What init needs to know to build the cage, run the VMM in it, and tell how the guest ended. */
export interface PlanInput {
  readonly host: Host;
  readonly machine: Machine;
  /** An existing folder to mount the cage on; only the container's mount namespace sees it there. */
  readonly cage: string;
  readonly rootfs: string;
  /** The container has a mount namespace of its own already. */
  readonly ownMounts: boolean;
  /** The kernel's path, inside `rootfs` or the host's. */
  readonly kernel: string;
  readonly kernelOnHost: boolean;
  /** Whose tap is the last of the plan's descriptors. */
  readonly resolver: Pick<Resolver, "address" | "server" | "mtu"> | undefined;
  /** The interfaces that its cards stand for. */
  readonly links: readonly { readonly index: number; readonly name: string }[];
  /** How far its guest was when it was saved. */
  readonly phase?: GuestPhase;
  readonly uid: number;
  readonly apparmor: string | undefined;
  readonly selinux: string | undefined;
  readonly exitRules: readonly ExitRule[];
  /** A line for the container's log. */
  readonly say?: string;
}

/** The plan as directives (native/directives.ts). */
export function planDirectives(input: PlanInput): Directive[] {
  const { host, machine } = input;
  const optional = (key: string, value: string | undefined): Directive[] => (value ? [[key, value]] : []);
  return [
    ["cage", input.cage],
    ["rootfs", input.rootfs],
    ...(input.ownMounts ? [] : [["unshare-mounts", ""] as const]),
    ...vmmFiles(host, machine.accelerator),
    ...firmwareFile(machine.board.firmware),
    [input.kernelOnHost ? "bind" : "image-file", `${KERNEL_PATH} ${input.kernel}`],
    ...resolverDirectives(input.resolver),
    ...commandLine(machine).map((argument) => ["argument", argument] as const),
    ...input.links.map(({ index, name }) => ["link", `${index} ${name}`] as const),
    ["first-disk", String(machine.nics.length)],
    ["disks", String(machine.disks.length)],
    ...(input.phase ? phaseDirectives(input.phase) : []),
    ["uid", String(input.uid)],
    ...optional("apparmor", input.apparmor),
    ...optional("selinux", input.selinux),
    ...optional("say", input.say),
    ...input.exitRules.flatMap(ruleDirectives),
  ];
}

/** What of the host the VMM has in its cage. */
export const vmmFiles = ({ files }: Host, accelerator: Accelerator): Directive[] => [
  ...files.needed.map((path) => ["bind", `${path.slice(1)} ${path}`] as const),
  ...files.links.map(({ path, target }) => ["symlink", `${path.slice(1)} ${target}`] as const),
  ["device", "dev/null /dev/null"],
  ...(accelerator === "kvm" ? [["device", "dev/kvm /dev/kvm"] as const] : []),
];

const phaseDirectives = ({ phase, code, halting }: GuestPhase): Directive[] => [
  ["phase", phase],
  ["phase-code", String(code)],
  ...(halting ? [["phase-halting", ""] as const] : []),
];

function resolverDirectives(resolver: PlanInput["resolver"]): Directive[] {
  return resolver ? [["resolver", `${resolver.address} ${resolver.server} ${resolver.mtu}`]] : [];
}

function ruleDirectives(rule: ExitRule): Directive[] {
  return [
    ...(rule.when ? [["rule-phase", rule.when] as const] : []),
    ...(rule.phase ? [["rule-next", rule.phase] as const] : []),
    ...(rule.code === undefined ? [] : [["rule-code", String(rule.code)] as const]),
    ...(rule.halts ? [["rule-halts", ""] as const] : []),
    ["rule-line", rule.line],
  ];
}
